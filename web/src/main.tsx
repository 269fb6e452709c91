import { render } from "preact";
import { App } from "./app";
import { startClock } from "./parts/clock";
import { ReferenceView } from "./views/reference";

const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no element `app`");
startClock();
// The reference of the API stands at an address of its own, which needs no token.
render(location.pathname.endsWith("/api") ? <ReferenceView /> : <App />, root);
