import * as Chunk from "effect/Chunk"
import * as FastCheck from "effect/FastCheck"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { FileUpload, UploadLimits } from "../../../src/index.js"
import { findFileError } from "../../../src/rest/upload/upload.js"
import { route } from "./wire.js"

const mebibyte = 1024 * 1024
const { presets } = UploadLimits

/** A file of which only the size matters. */
const sized = (size: number, name = "a.bin"): FileUpload.FileUpload =>
  FileUpload.fromStream(name, { size, stream: Stream.empty })

const several = (...sizes: ReadonlyArray<number>): ReadonlyArray<FileUpload.FileUpload> =>
  sizes.map((size, index) => sized(size, `${index}.bin`))

const limits = { maxFiles: 3, maxFileBytes: 10, maxTotalBytes: 20 }

describe("limits", () => {
  it("are by default 10 files, 25 MiB each and 8 MiB in all", () => {
    expect(presets.default).toEqual({
      maxFiles: 10,
      maxFileBytes: 25 * mebibyte,
      maxTotalBytes: 8 * mebibyte,
    })
  })

  it.each([
    ["no file", []],
    ["empty files", [0, 0, 0]],
    ["one at the limit", [10]],
    ["all at the limit together", [10, 10, 0]],
  ])("allow %s", (_, sizes) => {
    expect(findFileError(route, several(...sizes), 0, limits)).toBeUndefined()
  })

  it.each([
    ["one byte over", [11], { reason: "tooLarge", file: "0.bin", size: 11, limit: 10 }],
    ["together over", [10, 9, 2], { reason: "totalTooLarge", file: "2.bin", size: 21, limit: 20 }],
    ["one too many", [1, 1, 1, 1], { reason: "tooMany", file: "3.bin", size: 4, limit: 3 }],
  ])("reject %s", (_, sizes, expected) => {
    const error = findFileError(route, several(...sizes), 0, limits)
    expect(error).toMatchObject({
      ...expected,
      operation: route.operation,
      webhookId: route.webhookId,
      route: route.name,
      preset: "default",
      delivered: "no",
    })
  })

  it("count the files that stay on the message, but not their bytes", () => {
    expect(findFileError(route, several(1, 1), 1, limits)).toBeUndefined()
    expect(findFileError(route, several(1, 1), 2, limits)).toMatchObject({
      reason: "tooMany",
      size: 4,
    })
  })

  it.each([
    [[9], "discord"],
    [[24], "boostTier2"],
    [[60], "boostTier3"],
    [[45, 45], "boostTier2"],
    [[45, 45, 45], "boostTier3"],
    [[101], "unlimited"],
  ])("for files of %j MiB, suggest the preset %s", (sizes, preset) => {
    const files = several(...sizes.map((size) => size * mebibyte))
    const error = findFileError(route, files, 0, presets.default)
    expect(error?.preset).toBe(preset)
    const chosen = Object.entries(presets).find(([name]) => name === preset)?.[1]
    expect(findFileError(route, files, 0, chosen ?? limits)).toBeUndefined()
  })

  it("report that no preset allows 11 files", () => {
    const error = findFileError(
      route,
      several(...Array.from({ length: 11 }, () => 1)),
      0,
      presets.default,
    )
    expect(error).toMatchObject({ reason: "tooMany", file: "10.bin", size: 11, limit: 10 })
    expect(error?.preset).toBeUndefined()
    expect(error?.message).toBe(
      `Webhook.send (webhook 42): 10.bin: is one file more than a message may have: 11 files, and 10 are allowed; no preset allows it; Discord did not act on it`,
    )
  })

  it("appear in the error with both sizes in bytes", () => {
    const error = findFileError(route, [sized(8 * mebibyte + 1)], 0, presets.default)
    expect(error?.message).toBe(
      `Webhook.send (webhook 42): a.bin: makes the files of the message larger than they may be together: 8388609 bytes (8 MiB), and 8388608 bytes (8 MiB) are allowed; the preset "discord" allows it (RestConfig.uploads); Discord did not act on it`,
    )
  })

  it("allow a message if and only if it is within all three", () => {
    const sizes = FastCheck.array(FastCheck.integer({ min: 0, max: 12 }), { maxLength: 5 })
    FastCheck.assert(
      FastCheck.property(sizes, FastCheck.nat({ max: 3 }), (given, kept) => {
        const total = given.reduce((sum, size) => sum + size, 0)
        const isWithin =
          (given.length === 0 || given.length + kept <= 3) &&
          given.every((size) => size <= 10) &&
          total <= 20
        expect(findFileError(route, several(...given), kept, limits) === undefined).toBe(isWithin)
      }),
    )
  })
})

describe("rejects a file", () => {
  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("with a size of %d", (size) => {
    const error = findFileError(route, [sized(size)], 0, presets.unlimited)
    expect(error).toMatchObject({ reason: "invalidSize", file: "a.bin", size })
    expect(error?.message).toContain(
      `a size in whole bytes; pass the length of the stream, not ${size}`,
    )
  })

  it("with the name of another", () => {
    const files = [sized(1, "a b.bin"), sized(1, "c.bin"), sized(1, "a_b.bin")]
    const error = findFileError(route, files, 0, presets.default)
    expect(error).toMatchObject({ reason: "duplicateName", file: "a_b.bin" })
  })

  it("that was read and can be read only once", () => {
    const file = FileUpload.fromStream("once.bin", {
      size: 1,
      stream: Stream.fromChunk(Chunk.empty()),
      readOnce: true,
    })
    expect(findFileError(route, [file], 0, presets.default)).toBeUndefined()
    if (file.source._tag === "Stream" && file.source.once) file.source.once.isRead = true
    const error = findFileError(route, [file], 0, presets.default)
    expect(error).toMatchObject({ reason: "readOnce", file: "once.bin", delivered: "no" })
  })
})
