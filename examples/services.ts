/**
 * What other programs have made for Slack or GitHub, sent to Discord.
 *
 *     npx tsx examples/services.ts
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { GitHubEvent, Issue, SlackMessage, Webhook } from "effect-discord"
import { discord, printTraffic } from "./support/discord.js"

/** As a monitoring program posts it to Slack. */
const alert: unknown = {
  channel: "#alerts",
  icon_emoji: ":fire:",
  text: "1 alert is firing",
  attachments: [
    {
      fallback: "The disk is full",
      color: "danger",
      title: "The disk is full",
      title_link: "https://grafana.example.com/alerts/7",
      fields: [{ title: "Host", value: "db-1", short: true }],
      ts: 1769860800,
    },
  ],
}

/** As GitHub posts it to a webhook, with the header `X-GitHub-Event: release`. */
const release: unknown = {
  action: "published",
  release: {
    id: 1,
    tag_name: "v1.4.0",
    html_url: "https://github.com/octo-org/shop/releases/tag/v1.4.0",
    author: {
      id: 1815,
      login: "ada",
      html_url: "https://github.com/ada",
      avatar_url: "https://github.com/ada.png",
    },
    prerelease: false,
  },
  repository: {
    id: 17273051,
    name: "shop",
    full_name: "octo-org/shop",
    html_url: "https://github.com/octo-org/shop",
  },
  sender: {
    id: 1815,
    login: "ada",
    html_url: "https://github.com/ada",
    avatar_url: "https://github.com/ada.png",
  },
}

const program = Effect.gen(function* () {
  const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")

  yield* Console.log("\nForward what was meant for Slack")
  const message = yield* SlackMessage.decode(alert)
  yield* Console.log(`  without what Discord does not know: ${Object.keys(message).join(", ")}`)
  yield* Webhook.sendSlack(hook, message)

  yield* Console.log("Write such a message by hand")
  yield* Webhook.sendSlack(hook, {
    username: "Alerts",
    attachments: [{ color: "good", text: "All alerts are resolved" }],
  })

  yield* Console.log("Forward an event of GitHub, unchanged")
  yield* Webhook.sendGitHub(hook, "release", yield* GitHubEvent.decode(release))

  yield* Console.log("An event without its sender, which Discord would refuse")
  yield* GitHubEvent.decode({ action: "published" }).pipe(
    Effect.flatMap((event) => Webhook.sendGitHub(hook, "release", event)),
    Effect.catchTag("ParseError", (error) =>
      Effect.forEach(Issue.fromParseError(error), ({ path, message: what }) =>
        Console.log(`  ${path} ${what}`),
      ),
    ),
  )
})

program.pipe(Effect.provide(Layer.provideMerge(printTraffic, discord)), NodeRuntime.runMain)

// Output:
// A simulated Discord, over HTTP on this machine; set DISCORD_WEBHOOK_URL for the real one.
//
// Forward what was meant for Slack
//   without what Discord does not know: text, attachments
//   POST   /webhooks/{webhook.id}/{webhook.token}/slack -> 200   4 of 5 left
// Write such a message by hand
//   POST   /webhooks/{webhook.id}/{webhook.token}/slack -> 200   3 of 5 left
// Forward an event of GitHub, unchanged
//   POST   /webhooks/{webhook.id}/{webhook.token}/github -> 204   2 of 5 left
// An event without its sender, which Discord would refuse
//   sender is missing
