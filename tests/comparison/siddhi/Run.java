import io.siddhi.core.*;
import io.siddhi.core.event.Event;
import io.siddhi.core.stream.input.InputHandler;
import io.siddhi.core.stream.output.StreamCallback;
import java.nio.file.*;
import java.util.*;

/**
 * Compiles and runs the snippets of the page, on the time of the events. In: a file of lines `run, file of the
 * snippet, events`, separated by tabs. Out: a line for each report, `run, captured ids`.
 */
public class Run {
    static void run(String name, String query, String events) throws Exception {
        String app = "@app:playback define stream Events (id string, account string, kind string, amount double, "
                + "ip string, order_id string);\n" + query;
        SiddhiManager manager = new SiddhiManager();
        SiddhiAppRuntime runtime = manager.createSiddhiAppRuntime(app);
        runtime.addCallback("Alerts", new StreamCallback() {
            @Override
            public void receive(Event[] found) {
                for (Event event : found) {
                    List<String> ids = new ArrayList<>();
                    for (Object value : event.getData()) if (value != null) ids.add(value.toString());
                    System.out.println(name + "\t" + String.join(" ", ids));
                }
            }
        });
        runtime.start();
        InputHandler input = runtime.getInputHandler("Events");
        if (!events.isEmpty()) {
            long last = 0;
            for (String event : events.split(" ")) {
                String[] parts = event.split("\\|", -1);
                last = Long.parseLong(parts[6]);
                input.send(last, new Object[] {parts[0], parts[1], parts[2],
                        parts[3].isEmpty() ? null : Double.valueOf(parts[3]), parts[4].isEmpty() ? null : parts[4], parts[5]});
            }
            // Time goes on with the events only.
            input.send(last + 864_000_000L, new Object[] {"z9", "nobody", "nothing", null, null, "none"});
        }
        runtime.shutdown();
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
        System.exit(0);
    }
}
