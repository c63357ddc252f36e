/** The key that seals tokens, in a file beside the database. */
import { link, readFile, stat, unlink, writeFile } from "node:fs/promises"
import { randomBytes } from "node:crypto"
import { platform } from "node:os"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import { DiscordOutboxUnavailable } from "../outbox/OutboxError.js"

const keyBytes = 32

/** Returns the key of the file; creates it if it does not exist. Several processes may start at once. */
export const readOrCreateKey = (
  path: string,
): Effect.Effect<Redacted.Redacted, DiscordOutboxUnavailable> =>
  Effect.tryPromise({
    try: async () => (await read(path)) ?? (await create(path)),
    catch: (error) => makeError(`the key file ${path} cannot be read or created${describe(error)}`),
  }).pipe(
    Effect.filterOrFail(isKey, () =>
      makeError(
        `the key file ${path} does not contain ${keyBytes} bytes in base64; restore it, or delete it: entries that are stored then wait until their webhook is used again`,
      ),
    ),
    Effect.zipLeft(warnIfReadable(path)),
    Effect.map(Redacted.make),
  )

function makeError(detail: string): DiscordOutboxUnavailable {
  return new DiscordOutboxUnavailable({ operation: "SqliteOutbox.layer", reason: "key", detail })
}

function isKey(text: string): boolean {
  const bytes = Encoding.decodeBase64(text.trim())
  return bytes._tag === "Right" && bytes.right.length === keyBytes
}

/** Whoever reads the file and the database has the tokens. */
function warnIfReadable(path: string): Effect.Effect<void> {
  if (platform() === "win32") return Effect.void
  return Effect.tryPromise(() => stat(path)).pipe(
    Effect.flatMap(({ mode }) =>
      (mode & 0o077) === 0
        ? Effect.void
        : Effect.logWarning(
            `SqliteOutbox: other users can read the key file ${path}; run: chmod 600 ${path}`,
          ),
    ),
    Effect.ignore,
  )
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8")
  } catch (error) {
    if (getCode(error) === "ENOENT") return undefined
    throw error
  }
}

/** A link appears with its whole content, and fails if another process was first. */
async function create(path: string): Promise<string> {
  const key = Encoding.encodeBase64(randomBytes(keyBytes))
  const temporary = `${path}.${Encoding.encodeHex(randomBytes(8))}`
  await writeFile(temporary, `${key}\n`, { flag: "wx", flush: true, mode: 0o600 })
  try {
    await link(temporary, path)
    return key
  } catch (error) {
    if (getCode(error) !== "EEXIST") throw error
    return readFile(path, "utf8")
  } finally {
    await unlink(temporary)
  }
}

function getCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined
}

function describe(error: unknown): string {
  const code = getCode(error)
  return code === undefined ? "" : ` (${code})`
}
