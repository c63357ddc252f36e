/**
 * Whether the suite runs on the oldest peers that package.json allows (`npm run test:peers`).
 *
 * Effect before 3.19.19 loses a semaphore's permit when a fiber is interrupted between its grant and
 * its turn. `TestClock` holds one for its warnings, so there a test in which a timer is set and stopped
 * while another one starts may wait for ever, and is skipped. The SDK itself has no semaphore.
 */
export const isLowestPeers = process.env["PEERS"] === "lowest"
