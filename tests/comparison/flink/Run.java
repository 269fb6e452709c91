import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.*;
import org.apache.flink.api.common.eventtime.*;
import org.apache.flink.cep.*;
import org.apache.flink.cep.functions.*;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.configuration.*;
import org.apache.flink.streaming.api.datastream.*;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.*;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.*;

/**
 * Runs the snippets of the page over its events. In: a file of lines `run, "cep" or "sql", number of the
 * snippet, events`, separated by tabs. Out: a line for each match, `run, captured ids`.
 */
public class Run {
    static final OutputTag<String> LATE = new OutputTag<>("timed-out") {};

    static String ids(Map<String, List<Event>> match) {
        List<String> all = new ArrayList<>();
        match.values().forEach(list -> list.forEach(event -> all.add(event.id)));
        return String.join(" ", all);
    }

    static class Report extends PatternProcessFunction<Event, String> implements TimedOutPartialMatchHandler<Event> {
        @Override
        public void processMatch(Map<String, List<Event>> match, Context context, Collector<String> out) {
            out.collect(ids(match));
        }

        @Override
        public void processTimedOutMatch(Map<String, List<Event>> match, Context context) {
            context.output(LATE, "timeout " + ids(match));
        }
    }

    static DataStream<Event> source(StreamExecutionEnvironment env, String events) {
        List<Event> list = new ArrayList<>();
        for (String event : events.split(" ")) list.add(new Event(event));
        return env.fromData(list).assignTimestampsAndWatermarks(
                WatermarkStrategy.<Event>forMonotonousTimestamps().withTimestampAssigner((e, t) -> e.ts));
    }

    static List<String> cep(int number, String events) throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
        Pattern<Event, ?> pattern = Snippets.pattern(number);
        SingleOutputStreamOperator<String> found =
                CEP.pattern(source(env, events).keyBy(Snippets.key(number)), pattern).process(new Report());
        DataStream<String> all = Snippets.TIMEOUTS[number] ? found.union(found.getSideOutput(LATE)) : found;
        return all.executeAndCollect(1000);
    }

    static List<String> sql(int number, String events) throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
        StreamTableEnvironment tables = StreamTableEnvironment.create(env);
        tables.createTemporaryView("source_events", source(env, events), Schema.newBuilder()
                .columnByExpression("time_of", "TO_TIMESTAMP_LTZ(ts, 3)").watermark("time_of", "time_of").build());
        tables.executeSql("CREATE TEMPORARY VIEW events AS SELECT id, account, kind, amount, ip, order_id, time_of AS ts FROM source_events");
        List<String> found = new ArrayList<>();
        try (CloseableIterator<Row> rows = tables.executeSql(Snippets.SQL[number]).collect()) {
            while (rows.hasNext()) {
                Row row = rows.next();
                Set<String> ids = new LinkedHashSet<>();
                for (int i = 0; i < row.getArity(); i++) ids.add(String.valueOf(row.getField(i)));
                found.add(row.getKind().shortString() + " " + String.join(" ", ids));
            }
        }
        return found;
    }

    public static void main(String[] args) throws Exception {
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            String[] parts = line.split("\t");
            int number = Integer.parseInt(parts[2]);
            try {
                List<String> found = parts[1].equals("cep") ? cep(number, parts[3]) : sql(number, parts[3]);
                for (String match : found) System.out.println(parts[0] + "\t" + match);
            } catch (Exception error) {
                Throwable cause = error;
                while (cause.getCause() != null) cause = cause.getCause();
                System.out.println(parts[0] + "\terror: " + cause.toString().replaceAll("\\s+", " "));
            }
        }
    }
}
