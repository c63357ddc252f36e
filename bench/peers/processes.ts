/** The processes of the benchmark: one for each library, two for the servers. */
import type { ClientCommands } from "./client.js"
import type { Name } from "./libraries.js"
import type { PlainServerCommands } from "./plainServer.js"
import { Remote } from "./remote.js"
import type { SimulatorCommands } from "./simulator.js"

export class Processes {
  readonly #clients = new Map<Name, Remote<ClientCommands>>()
  #plain: Remote<PlainServerCommands> | undefined
  #simulator: Remote<SimulatorCommands> | undefined

  /** The process of a library, started with its first use. */
  client(name: Name): Remote<ClientCommands> {
    const known = this.#clients.get(name)
    if (known !== undefined) return known
    const started = this.freshClient(name)
    this.#clients.set(name, started)
    return started
  }

  /** A process that has sent nothing; the caller stops it. */
  freshClient(name: Name): Remote<ClientCommands> {
    return new Remote<ClientCommands>("./client.js", [name])
  }

  get plain(): Remote<PlainServerCommands> {
    return (this.#plain ??= new Remote<PlainServerCommands>("./plainServer.js"))
  }

  get simulator(): Remote<SimulatorCommands> {
    return (this.#simulator ??= new Remote<SimulatorCommands>("./simulator.js"))
  }

  /** Stops the libraries, so that those of one part do not slow the next. */
  stopClients(): void {
    for (const one of this.#clients.values()) one.stop()
    this.#clients.clear()
  }

  stop(): void {
    this.stopClients()
    this.#plain?.stop()
    this.#simulator?.stop()
  }
}

/** The same items, from another one on: nobody is always the first of a round. */
export function rotated<A>(items: ReadonlyArray<A>, turn: number): ReadonlyArray<A> {
  const from = turn % items.length
  return [...items.slice(from), ...items.slice(0, from)]
}
