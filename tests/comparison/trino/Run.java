import io.trino.sql.parser.*;
import java.nio.file.*;

/** Parses standard SQL. In: a file of lines `run, file of the statement`. Out: a line for each error. */
public class Run {
    public static void main(String[] args) throws Exception {
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            String[] parts = line.split("\t", -1);
            try {
                new SqlParser().createStatement(Files.readString(Path.of(parts[1])));
            } catch (Exception error) {
                System.out.println(parts[0] + "\terror: " + error.toString().replaceAll("\\s+", " "));
            }
        }
    }
}
