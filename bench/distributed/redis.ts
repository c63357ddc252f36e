/** Redis, what it is called for, and what happens to it. */
import { setTimeout as sleep } from "node:timers/promises"
import { Redis } from "ioredis"
import { startRedis } from "../../test/support/redis.js"

export interface Usage {
  /** Scripts, successful or not. */
  readonly calls: number
  /** Processor time in microseconds. */
  readonly cpu: number
}

export class MeasuredRedis {
  readonly port: number
  readonly #server: Awaited<ReturnType<typeof startRedis>>
  readonly #client: Redis
  /** Of the servers before the last restart. */
  #earlier: Usage = { calls: 0, cpu: 0 }

  constructor(server: Awaited<ReturnType<typeof startRedis>>) {
    this.#server = server
    this.port = server.port
    this.#client = new Redis({ host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null })
    // Without a listener, `ioredis` writes errors to the console.
    this.#client.on("error", () => {})
  }

  static async start(): Promise<MeasuredRedis> {
    // The default of Redis, with an append-only file.
    return new MeasuredRedis(await startRedis(["--appendfsync", "everysec"]))
  }

  /** Since it was first started. */
  async usage(): Promise<Usage> {
    const text = `${await this.#client.info("commandstats")}\n${await this.#client.info("cpu")}`
    return {
      calls: this.#earlier.calls + sum(text, /^cmdstat_(?:eval|evalsha):calls=(\d+)/gm),
      cpu: this.#earlier.cpu + sum(text, /^used_cpu_(?:user|sys):([\d.]+)/gm) * 1_000_000,
    }
  }

  /** Ends it as a crash does, and starts it again a second later. */
  async restart(): Promise<void> {
    this.#earlier = await this.usage()
    await this.#server.kill()
    await sleep(1000)
    await this.#server.start()
  }

  /** It stands still for 5 seconds. */
  async freeze(): Promise<void> {
    process.kill(this.#server.pid(), "SIGSTOP")
    await sleep(5000)
    process.kill(this.#server.pid(), "SIGCONT")
  }

  async stop(): Promise<void> {
    this.#client.disconnect()
    await this.#server.kill()
  }
}

function sum(text: string, figure: RegExp): number {
  return [...text.matchAll(figure)].reduce((total, [, value]) => total + Number(value), 0)
}
