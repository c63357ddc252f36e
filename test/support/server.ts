/**
 * Servers of Debian's packages for tests, each in a scratch folder. One ends with the process that started it,
 * however that process ends: a shell waits for the end of its input.
 */
import { spawn } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"

const script = `
  folder=$1 signal=$2
  shift 2
  "$@" >"$folder/log" 2>&1 </dev/null &
  server=$!
  echo $server >"$folder/server.pid"
  cat >/dev/null
  kill -$signal $server 2>/dev/null
  wait $server
  rm -rf "$folder"
`

export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface Launch {
  readonly folder: string
  readonly command: ReadonlyArray<string>
  /** The signal that ends the server when this process ends. */
  readonly signal: "KILL" | "QUIT"
  readonly account?: Account | undefined
  readonly isReady: () => Promise<boolean>
}

/** Starts a server, and waits until it is ready. */
export async function launch({ account, command, folder, isReady, signal }: Launch): Promise<void> {
  // Of the last start, if it is started again.
  rmSync(join(folder, "server.pid"), { force: true })
  const child = spawn("sh", ["-c", script, "sh", folder, signal, ...command], {
    ...account,
    cwd: folder,
    // Ctrl-C in the terminal is for the tests.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  })
  child.unref()
  // The pipe stays open until this process ends.
  ;(child.stdin as unknown as { readonly unref: () => void }).unref()
  while (!(await isReady())) {
    if (child.exitCode !== null || hasEnded(folder)) {
      throw new Error(`${command[0]} ended: ${readFileSync(join(folder, "log"), "utf8")}`)
    }
    await delay(20)
  }
}

/** The id of its first process, the parent of the others. */
export function readPid(folder: string): number {
  return Number(readFileSync(join(folder, "server.pid"), "utf8"))
}

/** Ends a server, and waits for its end. */
export async function stopServer(folder: string, signal: NodeJS.Signals): Promise<void> {
  const pid = readPid(folder)
  if (!isAlive(pid)) return
  process.kill(pid, signal)
  while (isAlive(pid)) await delay(10)
}

/** Whether a server that was started has ended, on systems that show it: for example because its port is in use. */
function hasEnded(folder: string): boolean {
  if (!existsSync("/proc/self/stat") || !existsSync(join(folder, "server.pid"))) return false
  const pid = readPid(folder)
  // The file may exist before it has its text.
  return pid > 0 && !isAlive(pid)
}

/**
 * A process that has ended may exist until its parent asks for its status. As long as it has other threads, as Redis
 * has, they still hold its port.
 */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const [state, threads] = [fields[0], fields[17]]
    return state !== "Z" || Number(threads) > 1
  } catch {
    return false
  }
}

/** No two servers of this process get the same one, also if the first has not opened it yet. */
const givenPorts = new Set<number>()

export async function findPort(): Promise<number> {
  const port = await findFreePort()
  if (givenPorts.has(port)) return findPort()
  givenPorts.add(port)
  return port
}

function findFreePort(): Promise<number> {
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
