/**
 * Limits of the files of a message. They are checked before anything is sent, because Discord
 * responds only after the whole upload, and they are configured, because a webhook cannot query how
 * far its server is boosted.
 *
 * @since 0.1.0
 * @module
 */

/**
 * The limits of one message's files.
 *
 * @since 0.1.0
 * @category models
 */
export interface UploadLimits {
  /** Maximum number of files of a message, including those that an edit keeps. */
  readonly maxFiles: number
  /** Maximum bytes of one file. */
  readonly maxFileBytes: number
  /** Maximum bytes of all files of a request. */
  readonly maxTotalBytes: number
}

const mebibyte = 1024 * 1024

/** Discord: JSON error 30015. */
const maxFiles = 10

/**
 * Limits by name, for `RestConfig.uploads`:
 *
 * - `default`: 10 files, 25 MiB for a file and 8 MiB in all, which therefore is the limit of one
 *   file as well. Every server accepts this.
 * - `discord`: 20 MiB for a file, documented for webhooks since 2026-09-03, and 25 MiB for a
 *   request.
 * - `boostTier2`, `boostTier3`: 50 and 100 MiB for a file, reported for boosted servers. Discord
 *   documents no figures for them, nor whether boosts apply to webhooks. A request may have 100 and
 *   195 MiB: Discord was seen to reject 200 MiB.
 * - `unlimited`: still 10 files; Discord itself checks the sizes: `WebhookPayloadTooLarge`.
 *
 * @example
 * ```ts
 * import { RestConfig, UploadLimits } from "effect-discord"
 *
 * const boosted = RestConfig.layerWith({ uploads: UploadLimits.presets.boostTier2 })
 * const own = RestConfig.layerWith({
 *   uploads: { ...UploadLimits.presets.discord, maxTotalBytes: 40_000_000 },
 * })
 * ```
 *
 * @see https://discord.com/developers/docs/reference#uploading-files
 * @since 0.1.0
 * @category presets
 */
export const presets = {
  default: { maxFiles, maxFileBytes: 25 * mebibyte, maxTotalBytes: 8 * mebibyte },
  discord: { maxFiles, maxFileBytes: 20 * mebibyte, maxTotalBytes: 25 * mebibyte },
  boostTier2: { maxFiles, maxFileBytes: 50 * mebibyte, maxTotalBytes: 100 * mebibyte },
  boostTier3: { maxFiles, maxFileBytes: 100 * mebibyte, maxTotalBytes: 195 * mebibyte },
  unlimited: {
    maxFiles,
    maxFileBytes: Infinity,
    maxTotalBytes: Infinity,
  },
} as const satisfies Record<string, UploadLimits>

/**
 * The names of the presets.
 *
 * @since 0.1.0
 * @category presets
 */
export type PresetName = keyof typeof presets
