/** The servers of the systems, and the processor time that they use. */
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { hasPostgres, startDurablePostgres } from "../../test/support/postgres.js"
import { hasRedis, startRedis } from "../../test/support/redis.js"

export interface Server {
  readonly port: number
  /** Processor time of all its processes in microseconds. */
  readonly cpu: () => number
  /** Ends it, and starts it again a second later. */
  readonly restart: (() => Promise<void>) | undefined
}

/** PostgreSQL with its defaults, `fsync` among them. */
export async function startPostgresServer(): Promise<Server | undefined> {
  if (!hasPostgres) return undefined
  const { pid, port, start, stop } = await startDurablePostgres()
  return {
    port,
    cpu: () => readCpu(pid()),
    restart: async () => {
      await stop("fast")
      await sleep(1000)
      await start()
    },
  }
}

export async function startRedisServer(): Promise<Server | undefined> {
  if (!hasRedis) {
    console.warn("Redis is not installed: BullMQ is skipped")
    return undefined
  }
  // The default of Redis, with an append-only file.
  const { pid, port } = await startRedis(["--appendfsync", "everysec"])
  return { port, cpu: () => readCpu(pid()), restart: undefined }
}

/** Linux counts in hundredths of a second. */
const microsPerTick = 10_000

/** Of a process and its children, including those that have ended. */
function readCpu(pid: number): number {
  let ticks = 0
  for (const name of readdirSync("/proc")) {
    const fields = /^\d+$/.test(name) ? readStat(name) : undefined
    if (fields === undefined || (Number(name) !== pid && fields[1] !== pid)) continue
    const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15)
    ticks += user + system + (Number(name) === pid ? childrenUser + childrenSystem : 0)
  }
  return ticks * microsPerTick
}

/** The fields after the name of the program, the first of which is the state. */
function readStat(pid: string): ReadonlyArray<number> | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    return stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number)
  } catch {
    return undefined
  }
}
