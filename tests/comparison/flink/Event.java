/** An event of the page, as Flink reads it. */
public class Event {
    public String id, account, kind, ip, order_id;
    public Double amount;
    public long ts;

    public Event() {}

    /** An event written as `id|account|kind|amount|ip|order_id|milliseconds`; what is empty is null. */
    public Event(String line) {
        String[] parts = line.split("\\|", -1);
        id = parts[0];
        account = parts[1];
        kind = parts[2];
        amount = parts[3].isEmpty() ? null : Double.valueOf(parts[3]);
        ip = parts[4].isEmpty() ? null : parts[4];
        order_id = parts[5];
        ts = Long.parseLong(parts[6]);
    }
}
