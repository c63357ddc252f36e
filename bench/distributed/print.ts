/** The table of `npm run bench:shared`. */
import { table } from "../simulation/table.js"
import type { Row } from "./runs.js"

const faults = {
  none: "",
  kill: "a process killed",
  restart: "Redis restarted",
  freeze: "Redis stopped for 5 s",
}

const systems = {
  shared: "RedisRateLimiter",
  separate: "RateLimiter in each process",
  bottleneck: "bottleneck",
}

export function printRows(rows: ReadonlyArray<Row>): string {
  return table(
    ["system", "load", "fault", "sent", "lost", "429", "makespan s", "to the optimum"].concat([
      "overtaking",
      "calls/message",
      "late calls",
      "CPU us/message",
      "of Redis",
    ]),
    rows.map((row) => [
      systems[row.name],
      row.load,
      faults[row.fault],
      String(row.messages),
      String(row.lost),
      String(row.limited),
      (row.makespan / 1000).toFixed(1),
      (row.makespan / row.optimum).toFixed(2),
      String(row.overtaking),
      (row.calls / row.messages).toFixed(2),
      String(row.lateCalls),
      row.cpu.toFixed(0),
      row.redisCpu.toFixed(0),
    ]),
  )
}
