// The package's types for "./zod" point at a .js file (TS7016 under strict): what we use of it.
declare module "discord-api-spec/zod" {
  import type { ZodMiniType } from "zod/mini"

  export const IncomingWebhookRequestPartialSchema: ZodMiniType
  export const IncomingWebhookUpdateRequestPartialSchema: ZodMiniType
  export const SlackWebhookSchema: ZodMiniType
  export const GithubWebhookSchema: ZodMiniType
  export const MessageResponseSchema: ZodMiniType
  export const GuildIncomingWebhookResponseSchema: ZodMiniType
  export const ChannelFollowerWebhookResponseSchema: ZodMiniType
  export const ApplicationIncomingWebhookResponseSchema: ZodMiniType
  export const ErrorResponseSchema: ZodMiniType
  export const RatelimitedResponseSchema: ZodMiniType
}
