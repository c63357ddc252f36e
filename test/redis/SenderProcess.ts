/** A process that shares limits through Redis, as a test starts it. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { bundle } from "../support/bundle.js"

export interface Settings {
  readonly name: string
  readonly baseUrl: string
  readonly redisUrl: string
  readonly prefix: string
  readonly lease: `${number} seconds`
  readonly idleAfter: `${number} seconds`
  readonly webhook: { readonly id: string; readonly token: string }
  /** Sent at once. */
  readonly messages: number
}

let program: Promise<string> | undefined

/** Bundled once, so that a process starts fast. */
export function getProgram(): Promise<string> {
  program ??= bundle({
    modules: { redisProcess: "test/redis/redisProcess.ts" },
    name: "redis-process",
    includeEffect: true,
  }).then(({ redisProcess = "" }) => redisProcess)
  return program
}

export class SenderProcess {
  readonly name: string
  readonly #child: ChildProcess
  readonly #ended: Promise<readonly [number | null, NodeJS.Signals | null]>
  #output = ""
  #log = ""

  constructor(path: string, settings: Settings) {
    this.name = settings.name
    this.#child = spawn(process.execPath, [path, JSON.stringify(settings)])
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text
    })
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#log += text
    })
    this.#ended = once(this.#child, "close") as Promise<[number | null, NodeJS.Signals | null]>
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async started(): Promise<void> {
    while (!this.#output.includes("started\n")) {
      if (!this.#isRunning) throw new Error(`${this.name} has ended: ${this.#log}`)
      await delay(5)
    }
  }

  /** Sends its messages. */
  send(): void {
    this.#child.stdin?.write("\n")
  }

  signal(name: NodeJS.Signals): void {
    if (this.#isRunning) this.#child.kill(name)
  }

  /** Waits for its end, which is a failure unless all messages were accepted. */
  async ended(): Promise<void> {
    const [code, signal] = await this.#ended
    if (code !== 0) throw new Error(`${this.name} ended with ${code ?? signal}: ${this.#log}`)
  }

  async kill(): Promise<void> {
    // Ends a stopped process, too.
    this.signal("SIGKILL")
    await this.#ended
  }
}
