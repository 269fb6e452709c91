// Runs before anything is drawn, so that the page does not flash in the colours of the other theme.
import { applyTheme, keptTheme } from "./lib/theme";

applyTheme(keptTheme());
