/** What the oldest peers that package.json allows cannot do; `npm run test:peers` runs the suite on them. */

export const isLowestPeers = process.env["PEERS"] === "lowest"

/**
 * Effect before 3.19.19 loses a semaphore's permit when a fiber is interrupted between its grant and
 * its turn. `TestClock` holds one for its warnings, so a test in which a timer is set and stopped
 * while another one starts may wait for ever. The SDK itself has no semaphore.
 */
export const testClockMayHang = process.env["PEERS"] === "lowest"
