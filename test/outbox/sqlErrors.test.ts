/** How errors of databases are classified, and which of their texts are passed on. */
import { MigrationError } from "@effect/sql/Migrator"
import { SqlError } from "@effect/sql/SqlError"
import { describe, expect, it } from "@effect/vitest"
import { isTransient, toUnavailable } from "../../src/sql/errors.js"

const of = (code: string | undefined, message = "the message") =>
  new SqlError({ cause: Object.assign(new Error(message), { code }), message: "Failed" })

describe("toUnavailable", () => {
  it.each([
    ["08006", "connection"],
    ["57P01", "connection"],
    ["57P03", "connection"],
    ["28P01", "connection"],
    ["3D000", "connection"],
    ["53300", "connection"],
    ["25006", "connection"],
    ["ECONNREFUSED", "connection"],
    ["ECONNRESET", "connection"],
    ["EPIPE", "connection"],
    [undefined, "connection"],
    ["SQLITE_CANTOPEN", "connection"],
    ["SQLITE_IOERR", "connection"],
    ["SQLITE_READONLY", "connection"],
    ["40001", "busy"],
    ["40P01", "busy"],
    ["55P03", "busy"],
    ["57014", "busy"],
    ["SQLITE_BUSY", "busy"],
    ["SQLITE_BUSY_SNAPSHOT", "busy"],
    ["SQLITE_LOCKED", "busy"],
    ["53100", "full"],
    ["SQLITE_FULL", "full"],
    ["ENOSPC", "full"],
    ["23505", "constraint"],
    ["42P01", "constraint"],
    ["25P02", "constraint"],
    ["SQLITE_CONSTRAINT_UNIQUE", "constraint"],
    ["SQLITE_ERROR", "constraint"],
    ["UNKNOWN_SQLITE_ERROR_3091", "constraint"],
    ["SQLITE_CORRUPT", "damaged"],
    ["SQLITE_NOTADB", "damaged"],
    ["XX001", "damaged"],
  ] as const)("maps %s to %s", (code, reason) => {
    const error = toUnavailable("Outbox.commit", of(code))
    expect(error).toMatchObject({ operation: "Outbox.commit", reason })
    expect(error.detail).toContain("the message")
    expect(isTransient(of(code))).toBe(reason === "busy")
  })

  it("leaves out texts that contain values", () => {
    const cause = Object.assign(new Error('invalid input syntax for type bigint: "SECRET"'), {
      code: "22P02",
      detail: "Key (token)=(SECRET) already exists.",
      where: "SECRET",
    })
    const error = toUnavailable("Outbox.enqueue", new SqlError({ cause }))
    expect(error).toMatchObject({ reason: "constraint", detail: "SQLSTATE 22P02" })
    expect(`${JSON.stringify(error)} ${String(error)}`).not.toContain("SECRET")
    const unique = Object.assign(new Error("duplicate key value"), {
      code: "23505",
      detail: "Key (token)=(SECRET) already exists.",
    })
    const second = toUnavailable("Outbox.enqueue", new SqlError({ cause: unique }))
    expect(second.detail).toBe("23505: duplicate key value")
    expect(`${JSON.stringify(second)} ${String(second)}`).not.toContain("SECRET")
  })

  it("reads the cause of a failed migration", () => {
    const migration = (cause: unknown) =>
      new MigrationError({ reason: "failed", message: "Migration failed", cause })
    expect(
      toUnavailable("Outbox.migrate", migration(of("42501", "permission denied"))),
    ).toMatchObject({
      reason: "migration",
      detail: "42501: permission denied",
    })
    expect(toUnavailable("Outbox.migrate", migration(of("ECONNRESET"))).reason).toBe("connection")
  })

  it("shortens what is long", () => {
    expect(toUnavailable("Outbox.find", of("42601", "x".repeat(5000))).detail).toHaveLength(301)
  })
})
