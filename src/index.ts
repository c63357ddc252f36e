// The public modules, by directory. A directory imports only from itself and those above it.

// model: Schemas of what Discord sends and receives
export * as AllowedMentions from "./model/AllowedMentions.js"
export * as Attachment from "./model/Attachment.js"
export * as Color from "./model/Color.js"
export * as Component from "./model/Component.js"
export * as DiscordApiBody from "./model/DiscordApiBody.js"
export * as Embed from "./model/Embed.js"
export * as Emoji from "./model/Emoji.js"
export * as FollowUpCreate from "./model/FollowUpCreate.js"
export * as GitHubEvent from "./model/GitHubEvent.js"
export * as Issue from "./model/Issue.js"
export * as Markdown from "./model/Markdown.js"
export * as Message from "./model/Message.js"
export * as MessageCreate from "./model/MessageCreate.js"
export * as MessageEdit from "./model/MessageEdit.js"
export * as MessageFlags from "./model/MessageFlags.js"
export * as Poll from "./model/Poll.js"
export * as SlackMessage from "./model/SlackMessage.js"
export * as Snowflake from "./model/Snowflake.js"
export * as ThreadCreate from "./model/ThreadCreate.js"
export * as User from "./model/User.js"
export * as WebhookInfo from "./model/WebhookInfo.js"
export * as WebhookModify from "./model/WebhookModify.js"
export * as WebhookName from "./model/WebhookName.js"

// error: what can go wrong
export * as ConfigurationError from "./error/ConfigurationError.js"
export * as WebhookError from "./error/WebhookError.js"

// ratelimit: when a request may be sent
export * as ResponseInfo from "./ratelimit/ResponseInfo.js"
export * as Bucket from "./ratelimit/Bucket.js"
export * as Permit from "./ratelimit/Permit.js"
export * as RateLimitMetrics from "./ratelimit/RateLimitMetrics.js"
export * as RateLimiter from "./ratelimit/RateLimiter.js"
export * as RateLimitHeaders from "./ratelimit/RateLimitHeaders.js"
export * as Route from "./ratelimit/Route.js"
export * as Strategy from "./ratelimit/Strategy.js"

// rest: how requests are sent
export * as DryRun from "./rest/DryRun.js"
export * as FileUpload from "./rest/FileUpload.js"
export * as RestConfig from "./rest/RestConfig.js"
export * as UploadLimits from "./rest/UploadLimits.js"

// webhook: the operations
export * as DiscordLogger from "./webhook/DiscordLogger.js"
export * as InteractionWebhook from "./webhook/InteractionWebhook.js"
export * as Webhook from "./webhook/Webhook.js"
export * as WebhookUrl from "./webhook/WebhookUrl.js"

// config: settings from outside the program
export * as DiscordConfig from "./config/DiscordConfig.js"
export * as Logging from "./config/Logging.js"
export * as YamlConfigProvider from "./config/YamlConfigProvider.js"
