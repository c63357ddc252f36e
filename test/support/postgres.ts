/**
 * PostgreSQL as Debian packages it, on a free port of the loopback interface. Without the package,
 * `hasPostgres` is false and tests skip.
 */
import { execFile, execFileSync } from "node:child_process"
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { root } from "../../scripts/project.js"
import { type Account, findPort, launch, readPid, stopServer } from "./server.js"

const installations = "/usr/lib/postgresql"

const bin = existsSync(installations)
  ? readdirSync(installations)
      .map((version) => join(installations, version, "bin"))
      .find((folder) => existsSync(join(folder, "postgres")))
  : undefined

export const hasPostgres = bin !== undefined

if (!hasPostgres) {
  console.warn(`PostgreSQL is not in ${installations}: its tests are skipped`)
}

export interface Postgres {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly username: string
  /** The id of its first process, the parent of the others. */
  readonly pid: () => number
  /** Starts it again, on the same port and with the same data. */
  readonly start: () => Promise<void>
  /** `fast` ends transactions and connections; `kill` is a crash of the server. */
  readonly stop: (how: "fast" | "kill") => Promise<void>
}

let shared: Promise<Postgres> | undefined

/** The server of this process. Tests use tables with prefixes of their own. */
export function getPostgres(): Promise<Postgres> {
  shared ??= startPostgres()
  return shared
}

/** A server of its own, for tests that stop it. It survives a crash of the server, but not of the machine. */
export function startPostgres(): Promise<Postgres> {
  return makeServer({ fsync: false })
}

/** A server that survives a crash of the machine, for benchmarks. */
export function startDurablePostgres(): Promise<Postgres> {
  return makeServer({ fsync: true })
}

async function makeServer({ fsync }: { readonly fsync: boolean }): Promise<Postgres> {
  if (bin === undefined) throw new Error(`PostgreSQL is not in ${installations}`)
  const account = findAccount()
  const folder = mkdtempSync(join(tmpdir(), "effect-discord-postgres-"))
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
  const data = join(folder, "data")
  makeCluster(bin, data, account)
  const port = await findPort()
  const settings = [
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${folder}`,
    `fsync=${fsync ? "on" : "off"}`,
    "max_connections=200",
  ].flatMap((setting) => ["-c", setting])
  const command = [join(bin, "postgres"), "-D", data, "-p", String(port), ...settings]
  const isReady = () => accepts(bin, port)
  const start = () => launch({ folder, command, signal: "QUIT", account, isReady })
  await start()
  return {
    host: "127.0.0.1",
    port,
    database: "postgres",
    username: "postgres",
    pid: () => readPid(folder),
    start,
    stop: (how) => stopServer(folder, how === "fast" ? "SIGINT" : "SIGQUIT"),
  }
}

/** An empty cluster: a copy of one that is made once for each version, since `initdb` takes a second. */
function makeCluster(binaries: string, data: string, account: Account | undefined): void {
  const version = basename(dirname(binaries))
  const cached = join(root, "node_modules/.cache/effect-discord", `postgres-${version}`)
  if (existsSync(cached)) return copy(cached, data)
  const options = ["-D", data, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"]
  const place = { cwd: dirname(data), stdio: "ignore" } as const
  execFileSync(join(binaries, "initdb"), options, { ...account, ...place })
  const own = `${cached}-${process.pid}`
  mkdirSync(dirname(own), { recursive: true })
  copy(data, own)
  try {
    renameSync(own, cached)
  } catch {
    // Another process was faster.
    rmSync(own, { recursive: true })
  }
}

/** Copies a folder with the owners of its files. */
function copy(from: string, to: string): void {
  execFileSync("cp", ["-a", from, to])
}

/** PostgreSQL does not run as root. */
function findAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith("postgres:"))
  const [, , uid, gid] = line?.split(":") ?? []
  if (uid === undefined || gid === undefined) throw new Error("there is no user postgres")
  return { uid: Number(uid), gid: Number(gid) }
}

function accepts(binaries: string, port: number): Promise<boolean> {
  const options = ["-q", "-h", "127.0.0.1", "-p", String(port)]
  return new Promise((resolve) => {
    execFile(join(binaries, "pg_isready"), options, (error) => resolve(error === null))
  })
}
