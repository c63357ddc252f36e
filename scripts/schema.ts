/** Writes `discord.schema.json`, the form of the configuration file for editors. */
import { writeFileSync } from "node:fs"
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import { DiscordConfig } from "../src/index.js"
import { root } from "./project.js"

const path = resolve(root, "discord.schema.json")
const form = await Effect.runPromise(DiscordConfig.jsonSchema)
writeFileSync(path, `${JSON.stringify(form, null, 2)}\n`)
