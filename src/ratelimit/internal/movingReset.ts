/**
 * Every window has another reset, and that of a leaking bucket moves with each request. But the
 * server says where each is on its own clock, and two instants are as far apart there as on ours.
 * So what is known of one reset narrows the next, as if all answers told of one.
 */

/** What is known of a reset: where it is on the server's clock, and between which instants on ours. */
export interface MovingReset {
  readonly server: number
  readonly earliest: number
  readonly latest: number
  /** When that was known. */
  readonly at: number
}

/** As fast as one clock may run against another: the most that NTP corrects it by. */
const drift = 1 / 2000

/** What an answer tells by itself, narrowed by what was known before it. */
export function narrowed(before: MovingReset | undefined, told: MovingReset): MovingReset {
  if (before === undefined) return told
  const { earliest, latest } = combined(before, told)
  // One of the clocks has jumped: all that was known is void.
  return earliest > latest ? told : { ...told, earliest, latest }
}

/** Whether two answers cannot be right about their resets both: a clock has jumped between them. */
export function hasJumped(before: MovingReset | undefined, told: MovingReset): boolean {
  if (before === undefined) return false
  const { earliest, latest } = combined(before, told)
  return earliest > latest
}

function combined(before: MovingReset, told: MovingReset) {
  const moved = told.server - before.server
  const slack = Math.max(0, told.at - before.at) * drift
  return {
    earliest: Math.max(told.earliest, before.earliest + moved - slack),
    latest: Math.min(told.latest, before.latest + moved + slack),
  }
}
