package org.kmem4j.stress;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.kmem4j.slab.OutOfNativeMemoryException;

/**
 * Calls of all public methods of some classes, with arguments that may be anything. A call is a
 * line of text, such as {@code KmemCache.tryPrewarm(long) -1}, so that it can be kept and made
 * again.
 *
 * <p>A call succeeds, or throws one of the exceptions that the door documents, with a sentence. For
 * null it may be a {@link NullPointerException} that names the argument.
 *
 * <p>A number is written as such, or as a word that the test knows, with an offset; a text as
 * {@code '} and its URL encoding; null as {@code null}; everything else as {@code some}.
 */
public abstract class WildCalls {
  private static final Pattern NAMES_AN_ARGUMENT =
      Pattern.compile(
          "[a-z]\\w*|.*\"(?!this|<local)[a-z]\\w*(\\[.*\\])?\" is null", Pattern.DOTALL);

  private final List<Method> methods;
  private final List<String> words;
  private final List<String> texts;

  /** The array of the call that is being made, as it was before it. */
  private long[] arrayBefore;

  /**
   * @param notCalled methods that are no part of this
   * @param words for addresses that {@link #number} knows
   * @param texts that mutations begin from
   * @param doors whose methods are called
   */
  protected WildCalls(
      Set<String> notCalled, List<String> words, List<String> texts, Class<?>... doors) {
    this.words = words;
    this.texts = texts;
    this.methods =
        Stream.of(doors)
            .flatMap(door -> Arrays.stream(door.getDeclaredMethods()))
            .filter(method -> Modifier.isPublic(method.getModifiers()) && !method.isSynthetic())
            .filter(method -> !notCalled.contains(method.getName()))
            .sorted(Comparator.comparing(WildCalls::signature))
            .toList();
  }

  /** What a method is called on. */
  protected abstract Object door(Class<?> type);

  /** A good argument of a type; null if there is none. */
  protected abstract Object some(Class<?> type);

  /** The number that a word stands for. */
  protected abstract long number(String word);

  /**
   * Undoes what a call did, and checks that nothing was lost.
   *
   * @param result null if it threw
   */
  protected abstract void settle(Method method, Object[] arguments, Object result, boolean threw);

  /** Whether freeing what begins at an address is wrong use that nothing promises to catch. */
  protected boolean isUndefined(long address) {
    return false;
  }

  /** The array of the call that is being made, as it was before it. */
  protected final long[] arrayBefore() {
    return arrayBefore;
  }

  /** A call of any method with any arguments. */
  public final String random(Wild wild) {
    Method method = wild.oneOf(methods);
    String arguments =
        Arrays.stream(method.getParameterTypes())
            .map(type -> ' ' + random(type, wild))
            .collect(Collectors.joining());
    return signature(method) + arguments;
  }

  private String random(Class<?> type, Wild wild) {
    if (type == long.class) {
      return randomLong(wild);
    } else if (type == int.class) {
      return Integer.toString((int) wild.number());
    } else if (type == boolean.class) {
      return Boolean.toString(wild.oneIn(2));
    } else if (wild.oneIn(8)) {
      return "null";
    } else if (type == String.class) {
      return '\'' + URLEncoder.encode(wild.mutated(texts), UTF_8);
    } else if (type == long[].class) {
      return Stream.generate(() -> randomLong(wild))
          .limit(wild.below(70))
          .collect(Collectors.joining(",", "[", "]"));
    }
    return "some";
  }

  private String randomLong(Wild wild) {
    if (wild.oneIn(2)) {
      return Long.toString(wild.number());
    }
    String word = wild.oneOf(words);
    return wild.oneIn(2) ? word : word + '+' + wild.number();
  }

  private static String signature(Method method) {
    return Arrays.stream(method.getParameterTypes())
        .map(Class::getSimpleName)
        .collect(
            Collectors.joining(
                ",",
                method.getDeclaringClass().getSimpleName() + '.' + method.getName() + '(',
                ")"));
  }

  /** Makes a call; fails if it ends in another way than it may. */
  public final void make(String call) {
    String[] parts = call.split(" ");
    Method method =
        methods.stream()
            .filter(some -> signature(some).equals(parts[0]))
            .findAny()
            .orElseThrow(() -> new AssertionError("there is no public method " + parts[0]));
    Object[] arguments = new Object[parts.length - 1];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = parse(method.getParameterTypes()[i], parts[i + 1]);
    }
    if (Stream.of(arguments).anyMatch(some -> some instanceof Long at && isUndefined(at))) {
      return;
    }
    Object result = null;
    String said = null;
    boolean threw = false;
    try {
      boolean isStatic = Modifier.isStatic(method.getModifiers());
      result = method.invoke(isStatic ? null : door(method.getDeclaringClass()), arguments);
      said = String.valueOf(result);
    } catch (InvocationTargetException e) {
      threw = true;
      if (!isDocumented(e.getCause(), arguments)) {
        throw new AssertionError(call + " threw " + e.getCause(), e.getCause());
      }
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
    try {
      settle(method, arguments, result, threw);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(call + " returned " + said + ", then: " + e.getMessage(), e);
    }
  }

  private Object parse(Class<?> type, String word) {
    if (word.equals("null")) {
      return null;
    } else if (type == long.class) {
      return parseLong(word);
    } else if (type == int.class) {
      return Integer.valueOf(word);
    } else if (type == boolean.class) {
      return Boolean.valueOf(word);
    } else if (type == String.class) {
      return URLDecoder.decode(word.substring(1), UTF_8);
    } else if (type == long[].class) {
      String inside = word.substring(1, word.length() - 1);
      long[] array =
          inside.isEmpty()
              ? new long[0]
              : Stream.of(inside.split(","))
                  .mapToLong(this::parseLong)
                  .filter(number -> !isUndefined(number))
                  .distinct()
                  .toArray();
      arrayBefore = array.clone();
      return array;
    }
    return some(type);
  }

  private long parseLong(String text) {
    if (!Character.isLetter(text.charAt(0))) {
      return Long.parseLong(text);
    }
    int plus = text.indexOf('+');
    return plus < 0
        ? number(text)
        : number(text.substring(0, plus)) + Long.parseLong(text.substring(plus + 1));
  }

  private static boolean isDocumented(Throwable thrown, Object[] arguments) {
    String message = thrown.getMessage();
    return switch (thrown) {
      case NullPointerException e ->
          Arrays.asList(arguments).contains(null)
              && (message == null
                  ? e.getStackTrace().length == 0 // the one that hot compiled code throws
                  : NAMES_AN_ARGUMENT.matcher(message).matches());
      case OutOfNativeMemoryException e -> isSentence(message);
      case IllegalArgumentException e ->
          e.getClass() == IllegalArgumentException.class // no NumberFormatException
              && isSentence(message)
              && namesAValue(message, arguments);
      case IllegalStateException e -> isSentence(message);
      case IndexOutOfBoundsException e -> isSentence(message);
      default -> false;
    };
  }

  private static boolean namesAValue(String message, Object[] arguments) {
    return Arrays.stream(arguments)
        .anyMatch(
            argument ->
                switch (argument) {
                  case Long value ->
                      message.contains(value.toString())
                          || message.contains("0x" + Long.toHexString(value));
                  case Integer value -> message.contains(value.toString());
                  case String value ->
                      message.contains(value.substring(value.lastIndexOf('/') + 1));
                  case null -> message.contains("null");
                  default -> true;
                });
  }

  private static boolean isSentence(String message) {
    return message != null && message.contains(" ");
  }
}
