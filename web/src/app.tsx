// The frame around all views: where one can go, how the service is, who one is.
import { useEffect } from "preact/hooks";
import { get } from "./api/client";
import { isLocked, me, token } from "./api/session";
import type { Me } from "./api/types";
import { asProblem } from "./api/problem";
import { note, Notes } from "./parts/act";
import { place } from "./parts/place";
import { Shell } from "./parts/shell";
import { TokenPrompt } from "./parts/token-prompt";
import { AlertView } from "./views/alert";
import { AlertsView } from "./views/alerts";
import { DeliveryView } from "./views/delivery";
import { KeyView } from "./views/key";
import { OverviewView } from "./views/overview";
import { PlaygroundView } from "./views/playground";
import { RuleView } from "./views/rule";
import { RulesView } from "./views/rules";
import { ServiceView } from "./views/service";
import { SilencesView } from "./views/silences";
import { Empty, View } from "./parts/frame";

export function App() {
  const known = token.value;
  useEffect(() => {
    let isGone = false;
    get<Me>("me")
      .then((answer) => {
        if (isGone) return;
        me.value = answer;
        isLocked.value = false;
      })
      .catch((error: unknown) => {
        const problem = asProblem(error);
        if (!isGone && problem.status !== 401 && !problem.isUnreachable) note(problem.message, true);
      });
    return () => (isGone = true);
  }, [known]);
  if (isLocked.value) return <TokenPrompt />;
  return (
    <>
      <Shell>
        {/* With another token everything is asked anew. */}
        <Current key={known ?? ""} />
      </Shell>
      <Notes />
    </>
  );
}

function Current() {
  const { path } = place.value;
  const [first, second] = path;
  switch (first) {
    case undefined:
      return <OverviewView />;
    case "alerts":
      return second === undefined ? <AlertsView /> : <AlertView id={second} key={second} />;
    case "rules":
      return second === undefined ? <RulesView /> : <RuleView name={second} key={second} />;
    case "keys":
      return <KeyView keys={path.slice(1)} key={path.slice(1).join("/")} />;
    case "playground":
      return <PlaygroundView key={place.value.params.toString()} />;
    case "silences":
      return <SilencesView />;
    case "delivery":
      return <DeliveryView />;
    case "service":
      return <ServiceView tab={second ?? "about"} />;
    default:
      return (
        <View title="There is nothing here">
          <Empty title="This address leads nowhere.">
            <a href="#/">Go to the overview</a>
          </Empty>
        </View>
      );
  }
}
