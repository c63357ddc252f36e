/** What parent and child both know. */

export const layerNames = [
  "NodeDiscord.layerHttpClient",
  "NodeHttpClient.layerUndici",
  "NodeHttpClient.layer",
  "FetchHttpClient.layer",
] as const

export type LayerName = (typeof layerNames)[number]

export interface Measured {
  /** Bytes of resident memory at the peak, above what it was before. */
  readonly growth: number
  readonly milliseconds: number
}
