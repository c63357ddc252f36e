import * as Schema from "effect/Schema"

/** Discord's numbers for components (Discord: Component Types), as literal types. */
export const Kind = {
  ActionRow: 1,
  Button: 2,
  StringSelect: 3,
  UserSelect: 5,
  RoleSelect: 6,
  MentionableSelect: 7,
  ChannelSelect: 8,
  Section: 9,
  TextDisplay: 10,
  Thumbnail: 11,
  MediaGallery: 12,
  File: 13,
  Separator: 14,
  Container: 17,
} as const

/** Discord's numbers for channels (Discord: Channel Types), as literal types. */
export const Channel = {
  Text: 0,
  DM: 1,
  Voice: 2,
  GroupDM: 3,
  Category: 4,
  Announcement: 5,
  AnnouncementThread: 10,
  PublicThread: 11,
  PrivateThread: 12,
  Stage: 13,
  Directory: 14,
  Forum: 15,
} as const

export const ChannelType = Schema.Literal(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15)
