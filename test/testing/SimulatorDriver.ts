/** Drives the simulator's synchronous function, without a client and a clock. */
import * as Effect from "effect/Effect"
import type { DiscordSimulator } from "../../src/testing/index.js"
import { handle } from "../../src/testing/simulator/handle.js"
import { attachForm } from "../../src/testing/simulator/http/body.js"
import type { FilePart, SimulatedRequest } from "../../src/testing/simulator/http/exchange.js"
import {
  addWebhook,
  makeState,
  type NewWebhook,
  type Webhook,
} from "../../src/testing/simulator/state.js"

type NewFile = Partial<Omit<FilePart, "part">>
type DriverRequest = Pick<SimulatedRequest, "method" | "path"> & Partial<SimulatedRequest>

export class SimulatorDriver {
  readonly state: ReturnType<typeof makeState>

  constructor(options: DiscordSimulator.Options) {
    this.state = makeState(options, 0)
  }

  /** Creates a webhook, by default in a text channel of its own. */
  addWebhook(options: Partial<NewWebhook> = {}): Webhook {
    return addWebhook(this.state, 0, {
      name: "a",
      kind: "text",
      channelId: undefined,
      tags: [],
      requiresTag: false,
      applicationOwned: false,
      ...options,
    })
  }

  /** Returns the response to a request that arrives at this time. */
  respondTo(request: DriverRequest, now = 0) {
    const whole = { query: {}, headers: {}, body: undefined, ...request }
    return handle(this.state, now, whole).response
  }
}

export const pathOf = ({ id, token }: Pick<Webhook, "id" | "token">): string =>
  `/api/v10/webhooks/${id}/${token}`

/** The headers and the body of a request with JSON. */
export const withJson = (value: unknown) => ({
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
})

/** The headers and the parsed form of a request with files, by default text files of a byte. */
export const withForm = (payload: unknown, files: ReadonlyArray<NewFile> = []) => ({
  headers: { "content-type": "multipart/form-data" },
  body: "a form",
  form: {
    fields: { payload_json: JSON.stringify(payload) },
    files: files.map((file, index) => ({
      part: `files[${index}]`,
      filename: `${index}.txt`,
      contentType: "text/plain",
      bytes: new Uint8Array(1),
      ...file,
    })),
  },
})

/** Parses a multipart body, as the simulator does. */
export const parseForm = (body: Uint8Array, boundary: string) => {
  const headers = { "content-type": `multipart/form-data; boundary=${boundary}` }
  const posted = { method: "POST", path: "/", query: {}, headers, body }
  return Effect.map(attachForm(posted, Infinity), ({ form }) => form)
}
