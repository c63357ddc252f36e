/** A child process as an object: each of its commands is a method that answers with a promise. */
import { fork, type ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"

/** What a process can be asked to do. */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>

/** What a command takes, and what it answers with. */
type Argument<Command> = Command extends (argument: infer A) => unknown ? A : never
type Answer<Command> = Command extends (argument: never) => infer R ? Awaited<R> : never

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly failure?: string
}

interface Asked {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** In the child: answers to the parent's questions, one process for its whole life. */
export function answer(commands: Commands): void {
  const reply = (message: Reply): void => {
    process.send?.(message)
  }
  process.on("message", ({ id, name, argument }: Question) => {
    const command = commands[name] as ((argument: unknown) => unknown) | undefined
    Promise.resolve(argument)
      .then((given) => command?.(given))
      .then((value) => reply({ id, value }))
      .catch((error: unknown) =>
        reply({ id, failure: error instanceof Error ? (error.stack ?? error.message) : "failed" }),
      )
  })
  process.on("disconnect", () => process.exit())
}

/** In the parent: the child. */
export class Remote<C extends Commands> {
  readonly #child: ChildProcess
  readonly #asked = new Map<number, Asked>()
  #ids = 0

  constructor(module: string, args: ReadonlyArray<string> = []) {
    const path = fileURLToPath(new URL(module, import.meta.url))
    this.#child = fork(path, [...args], {
      execArgv: ["--expose-gc", "--max-old-space-size=4096"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    })
    this.#child.on("message", ({ id, value, failure }: Reply) => {
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      if (failure === undefined) asked?.resolve(value)
      else asked?.reject(new Error(`${module} ${args.join(" ")}: ${failure}`))
    })
    this.#child.on("exit", (code) => {
      for (const { reject } of this.#asked.values()) reject(new Error(`${module} exited: ${code}`))
    })
  }

  call<K extends keyof C & string>(name: K, argument: Argument<C[K]>): Promise<Answer<C[K]>> {
    this.#ids += 1
    const id = this.#ids
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve: (value) => resolve(value as Answer<C[K]>), reject })
      this.#child.send({ id, name, argument } satisfies Question)
    })
  }

  stop(): void {
    this.#child.disconnect()
  }

  /** Sends a signal to the process. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
