/** The tables of `npm run bench:outbox`. */
import { table } from "../simulation/table.js"
import type { FaultRow } from "./faults.js"
import type { IdleRow, Latency, Throughput } from "./rounds.js"
import type { SizeRow } from "./sizes.js"

const whole = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(0))
const fine = (value: number | undefined, digits = 2): string =>
  value === undefined ? "-" : value.toFixed(digits)

export function printThroughput(rows: ReadonlyArray<Throughput>): string {
  const bull = rows.find(({ name }) => name === "bullmq")?.messagesPerSecond
  return table(
    ["system", "", "messages/s", "to BullMQ", "CPU us/message"].concat([
      "of the server",
      "of Discord",
      "commits/message",
      "enqueued/s",
      "CPU us/enqueue",
    ]),
    rows.map((row) => [
      row.name,
      "",
      whole(row.messagesPerSecond),
      fine(bull === undefined ? undefined : row.messagesPerSecond / bull),
      whole(row.cpu),
      whole(row.serverCpu),
      whole(row.discordCpu),
      fine(row.commitsPerMessage, 3),
      whole(row.enqueuedPerSecond),
      whole(row.enqueueCpu),
    ]),
  )
}

export function printLatency(rows: ReadonlyArray<Latency>): string {
  return table(
    ["enqueue at 200/s, ms", "", "p50", "p99", "max", "CPU us/message", "of the server"],
    rows.map(({ cpu, max, name, p50, p99, serverCpu }) => [
      name,
      "",
      fine(p50),
      fine(p99),
      fine(max),
      whole(cpu),
      whole(serverCpu),
    ]),
  )
}

export function printFaults(rows: ReadonlyArray<FaultRow>): string {
  return table(
    ["system", "", "accepted", "lost", "doubled", "in doubt", "out of order", "429"].concat([
      "kills",
      "take-over ms",
      "max",
      "repeated",
      "s",
    ]),
    rows.map((row) => [
      row.name,
      "",
      whole(row.accepted),
      whole(row.lost),
      whole(row.duplicated),
      whole(row.inDoubt),
      whole(row.outOfOrder),
      whole(row.limited),
      whole(row.kills),
      whole(row.takeover?.median),
      whole(row.takeover?.max),
      whole(row.repeated),
      whole(row.seconds),
    ]),
  )
}

const sizeOf = ({ sent, webhooks }: { sent: number; webhooks: number }): string =>
  `${webhooks} pending, ${sent} sent`

export function printSizes(rows: ReadonlyArray<SizeRow>): string {
  return table(
    ["system", "stored", "claim ms", "enqueue ms", "commit ms", "MB"],
    rows.map((row) => [
      row.name,
      sizeOf(row),
      fine(row.claim),
      fine(row.enqueue),
      fine(row.commit),
      fine(row.bytes / 1e6, 1),
    ]),
  )
}

export function printIdle(rows: ReadonlyArray<IdleRow>): string {
  return table(
    ["idle worker", "stored", "heap MB", "of the worker MB", "resident MB", "CPU ms/s"],
    rows.map((row) => [
      row.name,
      sizeOf(row),
      fine(row.heap / 1e6, 1),
      fine(row.worker / 1e6, 1),
      fine(row.resident / 1e6, 0),
      fine(row.cpuPerSecond, 1),
    ]),
  )
}
