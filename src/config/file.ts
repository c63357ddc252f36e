/** The text of a configuration file, if it is one: a mistake in its path must not cost the memory. */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { DiscordConfigurationError } from "../error/ConfigurationError.js"
import { mostBytes, tooLarge } from "./yaml.js"

const kinds: Readonly<Record<FileSystem.File.Type, string>> = {
  File: "a file",
  Directory: "a directory",
  SymbolicLink: "a symbolic link",
  BlockDevice: "a device",
  CharacterDevice: "a device",
  FIFO: "a FIFO",
  Socket: "a socket",
  Unknown: "something else",
}

/**
 * Only a regular file, or a link to one, is opened: on a FIFO or a device that may block a thread for
 * ever, which no timeout can interrupt. Reads no more than is needed to see that it is too much.
 */
export const readText = (
  path: string,
): Effect.Effect<string, DiscordConfigurationError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    Effect.mapError(files.stat(path), (error) => refused(path, reasonOf(error))).pipe(
      Effect.filterOrFail(
        ({ type }) => type === "File",
        ({ type }) => refused(path, `is not a regular file, but ${kinds[type]}`),
      ),
      Effect.zipRight(
        Effect.mapError(
          Stream.runCollect(files.stream(path, { bytesToRead: mostBytes + 1 })),
          (error) => refused(path, reasonOf(error)),
        ),
      ),
      Effect.flatMap((chunks) => decoded(path, Chunk.toReadonlyArray(chunks))),
    ),
  )

function decoded(
  path: string,
  chunks: ReadonlyArray<Uint8Array>,
): Effect.Effect<string, DiscordConfigurationError> {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  if (size > mostBytes) {
    return Effect.fail(refused(path, tooLarge))
  }
  const bytes = new Uint8Array(size)
  let end = 0
  for (const chunk of chunks) {
    bytes.set(chunk, end)
    end += chunk.length
  }
  return Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => refused(path, "is not text in UTF-8"),
  })
}

/** The platform's error is dropped: it says no more, in the words of the operating system. */
function reasonOf(error: PlatformError): string {
  if (error._tag === "BadArgument") return "cannot be read"
  if (error.reason === "NotFound") return "there is no such file"
  return error.reason === "PermissionDenied"
    ? "cannot be read: permission denied"
    : "cannot be read; is it a file?"
}

function refused(path: string, message: string): DiscordConfigurationError {
  return new DiscordConfigurationError({ mistakes: [{ key: "", place: path, message }] })
}
