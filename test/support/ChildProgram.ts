/** A program of the tests in a process of its own, which can be stopped and killed. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { bundle } from "./bundle.js"

const programs = new Map<string, Promise<string>>()

/** The path of a program, bundled once, so that its processes start fast. */
export function getProgram(source: string): Promise<string> {
  const known = programs.get(source)
  if (known !== undefined) return known
  const name = source.replaceAll(/[^a-zA-Z]+/g, "-")
  const made = bundle({ modules: { program: source }, name, includePackages: true }).then(
    ({ program = "" }) => program,
  )
  programs.set(source, made)
  return made
}

export class ChildProgram<Settings extends { readonly name: string }> {
  readonly settings: Settings
  readonly #child: ChildProcess
  readonly #ended: Promise<readonly [number | null, NodeJS.Signals | null]>
  #output = ""
  #log = ""

  /** Runs a file of JavaScript; its argument is `settings` as JSON. */
  constructor(path: string, settings: Settings) {
    this.settings = settings
    this.#child = spawn(process.execPath, [path, JSON.stringify(settings)])
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text
    })
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#log += text
    })
    this.#ended = once(this.#child, "close") as Promise<[number | null, NodeJS.Signals | null]>
  }

  get name(): string {
    return this.settings.name
  }

  /** Complete lines of its output. */
  get lines(): ReadonlyArray<string> {
    return this.#output.split("\n").slice(0, -1)
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  signal(name: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(name)
  }

  /** Waits for the line that shows that it has started. */
  async started(): Promise<void> {
    while (!this.lines.includes("started")) {
      if (this.isRunning) await delay(5)
      else {
        // On a busy machine its end may be seen before its output.
        await this.#ended
        if (!this.lines.includes("started")) throw new Error(`${this.name} ended: ${this.#log}`)
      }
    }
  }

  /** Waits for its end, which is a failure unless it ends by itself or by one of these signals. */
  async ended(...signals: ReadonlyArray<NodeJS.Signals>): Promise<void> {
    const [code, signal] = await this.#ended
    const isExpected = code === 0 || (signal !== null && signals.includes(signal))
    if (!isExpected) throw new Error(`${this.name} ended with ${code ?? signal}: ${this.#log}`)
  }

  async kill(): Promise<void> {
    // Ends a stopped process, too.
    this.signal("SIGKILL")
    await this.#ended
  }
}
