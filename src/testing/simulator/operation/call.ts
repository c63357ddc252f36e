import type { FilePart, SimulatedRequest } from "../http/exchange.js"
import type { Webhook, World } from "../world.js"

/** A request that was let in: its webhook exists, its token is right, its body was read. */
export interface Call {
  readonly world: World
  readonly now: number
  readonly webhook: Webhook
  readonly messageId: string
  readonly query: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: SimulatedRequest["headers"]
  /** The files of a multipart body. */
  readonly files: ReadonlyArray<FilePart>
}

/** The components of a plain webhook are silently ignored unless `with_components` is set. */
export const honouredBody = (call: Call, withComponents: boolean): Call["body"] => {
  const isHonoured = withComponents || call.webhook.applicationId !== null
  if (isHonoured || !("components" in call.body)) return call.body
  const { components: _, ...rest } = call.body
  return rest
}
