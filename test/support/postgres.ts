/**
 * PostgreSQL as Debian packages it, on a free port of the loopback interface, in a scratch folder. A
 * server ends with the process that started it, however that process ends: a shell waits for the end
 * of its input. Without the package, `hasPostgres` is false and tests skip.
 */
import { execFile, execFileSync, spawn } from "node:child_process"
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"

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

async function makeServer({ fsync }: Pick<Launch, "fsync">): Promise<Postgres> {
  if (bin === undefined) throw new Error(`PostgreSQL is not in ${installations}`)
  const account = findAccount()
  const folder = mkdtempSync(join(tmpdir(), "effect-discord-postgres-"))
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
  const data = join(folder, "data")
  const options = ["-D", data, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"]
  execFileSync(join(bin, "initdb"), options, { ...account, cwd: folder, stdio: "ignore" })
  const server = {
    host: "127.0.0.1",
    port: await findPort(),
    database: "postgres",
    username: "postgres",
  }
  const start = () => launch({ bin, folder, port: server.port, account, fsync })
  await start()
  return { ...server, pid: () => readPid(data), start, stop: (how) => stop(data, how) }
}

interface Account {
  readonly uid: number
  readonly gid: number
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

export function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() =>
        resolve(typeof address === "object" && address !== null ? address.port : 0),
      )
    })
  })
}

const script = `
  "$1" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$2" \\
    -c fsync="$4" -c max_connections=200 >"$2/log" 2>&1 </dev/null &
  server=$!
  cat >/dev/null
  kill -QUIT $server 2>/dev/null
  wait $server
  rm -rf "$2"
`

interface Launch {
  readonly bin: string
  readonly folder: string
  readonly port: number
  readonly account: Account | undefined
  readonly fsync: boolean
}

async function launch({ account, bin: binaries, folder, fsync, port }: Launch): Promise<void> {
  const parameters = [join(binaries, "postgres"), folder, String(port), fsync ? "on" : "off"]
  const child = spawn("sh", ["-c", script, "sh", ...parameters], {
    ...account,
    cwd: folder,
    // Ctrl-C in the terminal is for the tests.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  })
  child.unref()
  // The pipe stays open until this process ends.
  ;(child.stdin as unknown as { readonly unref: () => void }).unref()
  while (!(await isReady(binaries, port))) {
    if (child.exitCode !== null) {
      throw new Error(`PostgreSQL ended: ${readFileSync(join(folder, "log"), "utf8")}`)
    }
    await delay(20)
  }
}

function isReady(binaries: string, port: number): Promise<boolean> {
  const options = ["-q", "-h", "127.0.0.1", "-p", String(port)]
  return new Promise((resolve) => {
    execFile(join(binaries, "pg_isready"), options, (error) => resolve(error === null))
  })
}

function readPid(data: string): number {
  return Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0])
}

async function stop(data: string, how: "fast" | "kill"): Promise<void> {
  const pid = readPid(data)
  process.kill(pid, how === "fast" ? "SIGINT" : "SIGQUIT")
  while (isAlive(pid)) await delay(10)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
