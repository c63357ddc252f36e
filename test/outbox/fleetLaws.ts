/** What must hold of a fleet at the end, whatever happened to its processes. */
import * as Effect from "effect/Effect"
import type { Fleet, Row } from "./Fleet.js"

const auditPostgres = [
  `CREATE TABLE {p}audit (n bigint GENERATED ALWAYS AS IDENTITY, event text, writer text, webhook_id text,
    entry_id text, state text, owner text, epoch bigint, former text, was_held integer, pending bigint)`,
  `CREATE FUNCTION {p}audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO {p}audit (event, writer, webhook_id, entry_id, state, owner, epoch)
    SELECT 'step', current_setting('application_name'), NEW.webhook_id, NEW.id, NEW.state, q.owner, q.epoch
    FROM {p}queues q WHERE q.webhook_id = NEW.webhook_id; RETURN NULL; END $$`,
  `CREATE TRIGGER {p}audit_entry AFTER UPDATE ON {p}entries FOR EACH ROW EXECUTE FUNCTION {p}audit_entry()`,
  `CREATE FUNCTION {p}audit_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO {p}audit (event, writer, webhook_id, entry_id, pending)
    SELECT 'insert', current_setting('application_name'), NEW.webhook_id, NEW.id, count(*)
    FROM {p}entries WHERE webhook_id = NEW.webhook_id AND sent_at IS NULL AND dead_at IS NULL;
    RETURN NULL; END $$`,
  `CREATE TRIGGER {p}audit_insert AFTER INSERT ON {p}entries FOR EACH ROW EXECUTE FUNCTION {p}audit_insert()`,
  `CREATE FUNCTION {p}audit_queue() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO {p}audit (event, writer, webhook_id, owner, epoch, former, was_held)
    VALUES ('owner', current_setting('application_name'), NEW.webhook_id, NEW.owner, NEW.epoch, OLD.owner,
      CASE WHEN OLD.lease_until > extract(epoch FROM clock_timestamp()) * 1000 THEN 1 ELSE 0 END);
    RETURN NULL; END $$`,
  `CREATE TRIGGER {p}audit_queue AFTER UPDATE OF owner, epoch ON {p}queues FOR EACH ROW
    WHEN (NEW.owner IS DISTINCT FROM OLD.owner OR NEW.epoch <> OLD.epoch)
    EXECUTE FUNCTION {p}audit_queue()`,
]

const auditSqlite = [
  `CREATE TABLE {p}audit (n INTEGER PRIMARY KEY, event, writer, webhook_id, entry_id, state, owner, epoch,
    former, was_held, pending)`,
  `CREATE TRIGGER {p}audit_insert AFTER INSERT ON {p}entries BEGIN
    INSERT INTO {p}audit (event, writer, webhook_id, entry_id, pending)
    SELECT 'insert', '', NEW.webhook_id, NEW.id, count(*)
    FROM {p}entries WHERE webhook_id = NEW.webhook_id AND sent_at IS NULL AND dead_at IS NULL; END`,
  `CREATE TRIGGER {p}audit_entry AFTER UPDATE ON {p}entries BEGIN
    INSERT INTO {p}audit (event, writer, webhook_id, entry_id, state, owner, epoch)
    SELECT 'step', '', NEW.webhook_id, NEW.id, NEW.state, q.owner, q.epoch
    FROM {p}queues q WHERE q.webhook_id = NEW.webhook_id; END`,
  `CREATE TRIGGER {p}audit_queue AFTER UPDATE OF owner, epoch ON {p}queues
    WHEN NEW.owner IS NOT OLD.owner OR NEW.epoch <> OLD.epoch BEGIN
    INSERT INTO {p}audit (event, writer, webhook_id, owner, epoch, former, was_held)
    VALUES ('owner', '', NEW.webhook_id, NEW.owner, NEW.epoch, OLD.owner,
      OLD.lease_until > (julianday('now') - 2440587.5) * 86400000); END`,
]

/**
 * Triggers that record what every process does to the rows. On PostgreSQL they know which process it is.
 */
export async function audit(fleet: Fleet, dialect: "pg" | "sqlite"): Promise<void> {
  for (const statement of dialect === "pg" ? auditPostgres : auditSqlite) {
    await fleet.query(statement)
  }
}

interface Recorded {
  readonly event: "insert" | "step" | "owner"
  readonly writer: string
  readonly webhook_id: string
  readonly entry_id: string | null
  readonly state: string | null
  readonly owner: string | null
  readonly epoch: number | string | null
  readonly former: string | null
  readonly was_held: number | null
  readonly pending: number | string | null
}

export interface Report {
  readonly violations: ReadonlyArray<string>
  /** Responses with status 429. */
  readonly limited: number
  readonly accepted: number
  readonly sent: number
  readonly dead: number
  readonly inDoubt: number
  /** Copies after the first one. */
  readonly doubles: number
  readonly takeovers: number
}

export async function report(fleet: Fleet): Promise<Report> {
  const accepted = acceptedBy(fleet)
  const rows = await fleet.rows()
  const posted = await postedTo(fleet)
  const recorded = await fleet.query<Recorded>(`SELECT * FROM {p}audit ORDER BY n`)
  const { byStatus } = await Effect.runPromise(fleet.simulator.statistics)
  const copies = countBy([...posted.values()].flat())
  return {
    violations: [
      ...checkAcceptance(accepted, rows),
      ...checkCopies(rows, copies, fleet.shared.inDoubt),
      ...checkOrder(rows, posted),
      ...(await checkRequests(fleet, rows)),
      ...checkOwners(recorded.filter(({ event }) => event !== "insert")),
      ...recorded.flatMap(({ entry_id, pending }) =>
        Number(pending) <= fleet.shared.capacity ? [] : [`${entry_id}: ${pending} are pending`],
      ),
    ],
    limited: byStatus[429] ?? 0,
    accepted: accepted.size,
    sent: rows.filter(({ state }) => state === "sent").length,
    dead: rows.filter(({ state }) => state === "dead").length,
    inDoubt: rows.reduce((sum, row) => sum + Number(row.in_doubt), 0),
    doubles: [...copies.values()].reduce((sum, count) => sum + count - 1, 0),
    takeovers: recorded.filter(({ former, owner }) => former !== null && owner !== null).length,
  }
}

/** The ids that the producers have got, by content. A repetition may get the same one again. */
function acceptedBy({ producers }: Fleet): ReadonlyMap<string, ReadonlySet<string>> {
  const accepted = new Map<string, Set<string>>()
  for (const line of producers.flatMap(({ lines }) => lines)) {
    const [word, content = "", id = ""] = line.split(" ")
    if (word !== "accepted") continue
    accepted.set(content, (accepted.get(content) ?? new Set()).add(id))
  }
  return accepted
}

async function postedTo(fleet: Fleet): Promise<ReadonlyMap<string, ReadonlyArray<string>>> {
  const posted = new Map<string, ReadonlyArray<string>>()
  for (const hook of fleet.hooks) {
    const messages = await Effect.runPromise(fleet.simulator.messages(hook))
    posted.set(
      hook.id,
      messages.map(({ content }) => String(content)),
    )
  }
  return posted
}

function checkAcceptance(
  accepted: ReadonlyMap<string, ReadonlySet<string>>,
  rows: ReadonlyArray<Row>,
): ReadonlyArray<string> {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const keys = countBy(rows.map((row) => row.entry_key))
  return [
    ...[...accepted].flatMap(([content, ids]) =>
      ids.size === 1 ? [] : [`${content}: a repetition was stored: ${[...ids].join(", ")}`],
    ),
    ...[...accepted].flatMap(([content, ids]) =>
      [...ids].flatMap((id) => (byId.get(id)?.entry_key === content ? [] : [`${content}: lost`])),
    ),
    ...[...keys].flatMap(([key, count]) => (count === 1 ? [] : [`${key}: ${count} entries`])),
    ...rows.flatMap(({ entry_key, state }) =>
      state === "sent" || state === "dead" ? [] : [`${entry_key}: is ${state}`],
    ),
  ]
}

function checkCopies(
  rows: ReadonlyArray<Row>,
  copies: ReadonlyMap<string, number>,
  inDoubt: "resend" | "hold",
): ReadonlyArray<string> {
  return rows.flatMap((row) => {
    const count = copies.get(row.entry_key) ?? 0
    const doubt = Number(row.in_doubt)
    const maximum = inDoubt === "hold" ? 1 : 1 + doubt
    const minimum = row.state === "sent" ? 1 : 0
    return [
      ...(count < minimum || count > maximum
        ? [`${row.entry_key}: ${count} copies, ${row.state}, ${doubt} times in doubt`]
        : []),
      ...(row.state === "dead" && (inDoubt === "resend" || doubt === 0)
        ? [`${row.entry_key}: dead, ${row.error}`]
        : []),
    ]
  })
}

/**
 * The first copies of each producer's messages, in each webhook. The queue of an entry that was held goes on,
 * so its request may arrive late.
 */
function checkOrder(
  rows: ReadonlyArray<Row>,
  posted: ReadonlyMap<string, ReadonlyArray<string>>,
): ReadonlyArray<string> {
  const byKey = new Map(rows.map((row) => [row.entry_key, row]))
  return [...posted.values()].flatMap((contents) => {
    const last = new Map<string, number>()
    return [...new Set(contents)].flatMap((content) => {
      const { in_doubt: doubt = 0, state = "unknown" } = byKey.get(content) ?? {}
      if (state === "dead" && Number(doubt) > 0) return []
      const [series = "", , n = ""] = content.split(":")
      const before = last.get(series) ?? -1
      last.set(series, Number(n))
      return Number(n) > before
        ? []
        : [`${content} after ${before}, ${state}, ${doubt} times in doubt`]
    })
  })
}

/** No request without a recorded attempt. */
async function checkRequests(
  fleet: Fleet,
  rows: ReadonlyArray<Row>,
): Promise<ReadonlyArray<string>> {
  const traffic = await Effect.runPromise(fleet.simulator.traffic)
  const requests = countBy(traffic.map(({ body }) => (body as { content: string }).content))
  return rows.flatMap(({ attempts, entry_key }) => {
    const count = requests.get(entry_key) ?? 0
    return count <= Number(attempts)
      ? []
      : [`${entry_key}: ${count} requests, ${attempts} attempts`]
  })
}

function checkOwners(recorded: ReadonlyArray<Recorded>): ReadonlyArray<string> {
  const violations: Array<string> = []
  const epochs = new Map<string, number>()
  const writers = new Map<string, string>()
  for (const { entry_id, epoch, event, former, owner, was_held, webhook_id, writer } of recorded) {
    const before = epochs.get(webhook_id) ?? 0
    epochs.set(webhook_id, Number(epoch))
    if (Number(epoch) < before) violations.push(`webhook ${webhook_id}: epoch ${epoch} < ${before}`)
    if (event === "owner" && former !== null && owner !== null && was_held === 1) {
      violations.push(`webhook ${webhook_id}: ${owner} has taken the lease of ${former}`)
    }
    if (event === "step" && owner === null) violations.push(`${entry_id}: changed without an owner`)
    if (owner === null || (event === "owner" && former === owner)) continue
    const known = writers.get(owner) ?? writer
    writers.set(owner, known)
    if (known !== writer) violations.push(`${entry_id}: ${writer} changed what ${owner} owns`)
  }
  return violations
}

function countBy(values: ReadonlyArray<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
