import { render } from "preact";
import { App } from "./app";
import { startClock } from "./parts/clock";

const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no element `app`");
startClock();
render(<App />, root);
