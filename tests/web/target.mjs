// What the page is tested before: the made-up service of web/dev, or the real program.
//
// Both give the same: the address of the page; `raise`, which makes one alert of `card_testing` occur, for a card of its
// own, and gives the card; what ends it.
import { start } from "../../web/dev/server.mjs";

export async function madeUp(options = {}) {
  const app = await start(options);
  return {
    url: app.url,
    raise: async () => {
      const { alert } = app.service.raise("card_testing");
      return alert.key.card;
    },
    /** Ends the connections of live streams, as a proxy does when it is restarted. */
    cut: () => app.cutStreams(),
    stop: () => app.stop(),
  };
}
