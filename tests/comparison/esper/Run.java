import com.espertech.esper.common.client.*;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.compiler.client.*;
import com.espertech.esper.runtime.client.*;
import java.nio.file.*;
import java.util.*;

/**
 * Compiles and runs the snippets of the page. In: a file of lines `run, file of the snippet, events`, separated by
 * tabs. Out: a line for each report, `run, captured ids`.
 */
public class Run {
    static void collect(Object value, List<String> ids) {
        if (value instanceof EventBean) value = ((EventBean) value).getUnderlying();
        if (value instanceof EventBean[]) value = Arrays.asList((EventBean[]) value);
        if (value instanceof Object[]) value = Arrays.asList((Object[]) value);
        if (value instanceof Collection) ((Collection<?>) value).forEach(one -> collect(one, ids));
        else if (value instanceof Map) collect(((Map<?, ?>) value).get("id"), ids);
        else ids.add(String.valueOf(value));
    }

    static void run(String name, String epl, String events) throws Exception {
        Configuration configuration = new Configuration();
        Map<String, Object> type = new LinkedHashMap<>();
        for (String field : "id account kind ip order_id".split(" ")) type.put(field, String.class);
        type.put("amount", Double.class);
        type.put("ts", Long.class);
        configuration.getCommon().addEventType("Event", type);
        configuration.getRuntime().getThreading().setInternalTimerEnabled(false);
        EPCompiled compiled = EPCompilerProvider.getCompiler().compile(epl, new CompilerArguments(configuration));
        EPRuntime runtime = EPRuntimeProvider.getRuntime(name, configuration);
        runtime.initialize();
        runtime.getEventService().advanceTime(0);
        EPDeployment deployment = runtime.getDeploymentService().deploy(compiled);
        EPStatement last = deployment.getStatements()[deployment.getStatements().length - 1];
        last.addListener((added, removed, statement, from) -> {
            if (added == null) return;
            for (EventBean report : added) {
                List<String> ids = new ArrayList<>();
                if (report.getUnderlying() instanceof Map<?, ?> map && map.containsKey("id") && map.containsKey("kind")) collect(map, ids);
                else for (String property : report.getEventType().getPropertyNames()) collect(report.get(property), ids);
                System.out.println(name + "\t" + String.join(" ", ids));
            }
        });
        if (!events.isEmpty()) {
            for (String event : events.split(" ")) {
                String[] parts = event.split("\\|", -1);
                Map<String, Object> map = new HashMap<>();
                map.put("id", parts[0]);
                map.put("account", parts[1]);
                map.put("kind", parts[2]);
                map.put("amount", parts[3].isEmpty() ? null : Double.valueOf(parts[3]));
                map.put("ip", parts[4].isEmpty() ? null : parts[4]);
                map.put("order_id", parts[5]);
                map.put("ts", Long.valueOf(parts[6]));
                runtime.getEventService().advanceTime(Long.parseLong(parts[6]));
                runtime.getEventService().sendEventMap(map, "Event");
            }
            runtime.getEventService().advanceTime(runtime.getEventService().getCurrentTime() + 864_000_000L);
        }
        runtime.destroy();
    }

    public static void main(String[] args) throws Exception {
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            String[] parts = line.split("\t", -1);
            try {
                run(parts[0], Files.readString(Path.of(parts[1])), parts[2]);
            } catch (Exception error) {
                System.out.println(parts[0] + "\terror: " + error.toString().replaceAll("\\s+", " "));
            }
        }
    }
}
