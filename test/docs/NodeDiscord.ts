/** `effect-discord/node` as the documentation's programs get it: its Discord is the simulated one. */
import * as Layer from "effect/Layer"
import { RestConfig } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"

const simulated = RestConfig.layerWith({ baseUrl: String(process.env["DISCORD_CLIENT_BASE_URL"]) })

export const { layerEnv, layerFile, layerHttpClient, layerHttpClientWith } = NodeDiscord
export const layer = Layer.merge(NodeDiscord.layer, simulated)
