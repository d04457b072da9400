// Burns CPU time in what Java programs do: deep calls, streams, strings, maps, exceptions, threads, and much garbage.
//   java -XX:+PreserveFramePointer Load SECONDS
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

public class Load {
    private static final Pattern WORDS = Pattern.compile("(\\w+)-(\\d+)");
    private static volatile int sink;

    private static int descend(int depth, IntSupplier leaf) {
        return depth == 0 ? leaf.getAsInt() : descend(depth - 1, leaf) + 1;
    }

    private static int streams() {
        return IntStream.range(0, 1000).boxed().filter(i -> i % 3 == 0).map(i -> "item " + i)
            .sorted(Comparator.reverseOrder()).collect(Collectors.groupingBy(String::length)).size();
    }

    private static int strings() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 200; i++) text.append(String.format("%d-%s ", i, "x"));
        return WORDS.matcher(text).replaceAll("$2").length() + text.toString().split(" ").length;
    }

    private static int maps() {
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 1000; i++) counts.merge("key " + i % 100, 1, Integer::sum);
        List<String> keys = new ArrayList<>(counts.keySet());
        Collections.sort(keys);
        return keys.size();
    }

    private static int garbage() {
        Object[] list = null;
        for (int i = 0; i < 20000; i++) list = new Object[] {i % 100 == 0 ? null : list, new int[4]};
        return list.length;
    }

    private static int failing() {
        try {
            throw new IllegalStateException("caught");
        } catch (IllegalStateException error) {
            return error.getStackTrace().length;
        }
    }

    private static int numbers() {
        double[] values = new double[2000];
        for (int i = 0; i < values.length; i++) values[i] = Math.sin(i) * Math.sqrt(i);
        Arrays.sort(values);
        return (int) values[0];
    }

    private static void run(long deadline) {
        IntSupplier[] leaves = {Load::streams, Load::strings, Load::maps, Load::garbage, Load::failing, Load::numbers};
        int total = 0;
        for (int round = 0; System.nanoTime() < deadline; round++)
            total += descend(10 + round % 30, leaves[round % leaves.length]);
        sink = total;
    }

    public static void main(String[] arguments) throws InterruptedException {
        int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 10;
        long deadline = System.nanoTime() + seconds * 1_000_000_000L;
        Thread other = new Thread(() -> run(deadline));
        other.start();
        run(deadline);
        other.join();
    }
}
