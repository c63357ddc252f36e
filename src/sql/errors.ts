/**
 * Classifies the errors of databases. Messages of PostgreSQL's class 22 and its `detail` texts contain
 * values, so they are left out.
 */
import type * as Migrator from "@effect/sql/Migrator"
import type { SqlError } from "@effect/sql/SqlError"
import * as Predicate from "effect/Predicate"
import { DiscordOutboxUnavailable } from "../outbox/OutboxError.js"

type Reason = DiscordOutboxUnavailable["reason"]

/** The code and the message of the driver's error. */
interface DriverError {
  readonly code: string | undefined
  readonly message: string
}

const maxDetailLength = 300

/** Whether the error is that of a statement or of a migration. */
export function isDatabaseError(error: unknown): error is SqlError | Migrator.MigrationError {
  return (
    Predicate.hasProperty(error, "_tag") &&
    (error._tag === "SqlError" || error._tag === "MigrationError")
  )
}

/** Whether the transaction was rolled back because of other transactions, so it can be repeated. */
export function isTransient(error: unknown): boolean {
  return isDatabaseError(error) && reasonOf(driverErrorOf(error)) === "busy"
}

export function toUnavailable(
  operation: string,
  error: SqlError | Migrator.MigrationError,
): DiscordOutboxUnavailable {
  const driverError = driverErrorOf(error)
  const reason = reasonOf(driverError)
  const isOfMigration = error._tag === "MigrationError" && reason === "constraint"
  return new DiscordOutboxUnavailable({
    operation,
    reason: isOfMigration ? "migration" : reason,
    detail: detailOf(driverError),
  })
}

/** The innermost cause with a code; a client may wrap the error of its driver. */
function driverErrorOf(error: unknown): DriverError {
  let found: DriverError = { code: undefined, message: messageOf(error) }
  for (
    let cause = error, depth = 0;
    cause !== undefined && depth < 8;
    cause = Predicate.hasProperty(cause, "cause") ? cause.cause : undefined, depth += 1
  ) {
    if (Predicate.hasProperty(cause, "code") && typeof cause.code === "string") {
      return { code: cause.code, message: messageOf(cause) }
    }
    if (Predicate.isError(cause)) found = { code: undefined, message: messageOf(cause) }
  }
  return found
}

function messageOf(error: unknown): string {
  return Predicate.hasProperty(error, "message") && typeof error.message === "string"
    ? error.message
    : "an unknown error"
}

function reasonOf({ code, message }: DriverError): Reason {
  // Drivers of PostgreSQL report the end of a connection without a code.
  if (code === undefined) return "connection"
  if (isSqlState(code)) return reasonOfSqlState(code)
  if (/SQLITE_(BUSY|LOCKED)/.test(`${code} ${message}`)) return "busy"
  if (code.startsWith("SQLITE_FULL") || code === "ENOSPC") return "full"
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return "damaged"
  if (/^(SQLITE_(CONSTRAINT|ERROR|MISMATCH|TOOBIG|RANGE)|UNKNOWN_SQLITE)/.test(code)) {
    return "constraint"
  }
  return "connection"
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code)
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
function reasonOfSqlState(code: string): Reason {
  if (code === "53100") return "full"
  if (code === "XX001" || code === "XX002") return "damaged"
  // Query cancelled, such as by statement_timeout; lock not available.
  if (code === "57014" || code === "55P03") return "busy"
  switch (code.slice(0, 2)) {
    case "40":
      return "busy"
    // Connection, authorization, catalog, resources, operator intervention, system.
    case "08":
    case "28":
    case "3D":
    case "53":
    case "57":
    case "58":
      return "connection"
    default:
      // A read-only transaction: the server is a standby.
      return code === "25006" ? "connection" : "constraint"
  }
}

function detailOf({ code, message }: DriverError): string {
  if (code?.startsWith("22") === true && isSqlState(code)) return `SQLSTATE ${code}`
  const text = code === undefined || message.includes(code) ? message : `${code}: ${message}`
  return text.length > maxDetailLength ? `${text.slice(0, maxDetailLength)}…` : text
}
