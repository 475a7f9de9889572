package org.kmem4j.stress;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Runs one test method, or all of a class, plain or with booleans for values, in a JVM of its own,
 * as JUnit would; JUnit's launcher is not on the class path of tests.
 */
public final class TestMain {
  private TestMain() {}

  /**
   * Ends with 0 if all pass, else with 1.
   *
   * @param args a class, or class and method with # between
   */
  public static void main(String[] args) throws Exception {
    String[] parts = args[0].split("#");
    Class<?> type = Class.forName(parts[0]);
    int run = 0;
    List<Method> methods = annotated(type, Test.class);
    methods.addAll(annotated(type, ParameterizedTest.class));
    for (Method method : methods) {
      if (parts.length == 1 || method.getName().equals(parts[1])) {
        run++;
        try {
          for (Object[] arguments : arguments(method)) {
            run(type, method, arguments);
          }
        } catch (InvocationTargetException e) {
          e.getCause().printStackTrace();
          System.exit(1);
        }
      }
    }
    if (run == 0) {
      throw new IllegalArgumentException("there is no test " + args[0]);
    }
    System.exit(0); // though threads be parked
  }

  private static List<Object[]> arguments(Method method) {
    if (method.getParameterCount() == 0) {
      return List.<Object[]>of(new Object[0]);
    }
    boolean[] values = method.getAnnotation(ValueSource.class).booleans();
    if (values.length == 0) {
      throw new IllegalArgumentException(method + " has values of a kind that is not run here");
    }
    List<Object[]> arguments = new ArrayList<>();
    for (boolean value : values) {
      arguments.add(new Object[] {value});
    }
    return arguments;
  }

  private static void run(Class<?> type, Method test, Object... arguments) throws Exception {
    var constructor = type.getDeclaredConstructor();
    constructor.setAccessible(true);
    Object instance = constructor.newInstance();
    for (Method before : annotated(type, BeforeEach.class)) {
      before.invoke(instance);
    }
    test.invoke(instance, arguments);
    for (Method after : annotated(type, AfterEach.class)) {
      after.invoke(instance);
    }
  }

  private static List<Method> annotated(
      Class<?> type, Class<? extends java.lang.annotation.Annotation> annotation) {
    List<Method> found = new ArrayList<>();
    for (Method method : type.getDeclaredMethods()) {
      if (method.isAnnotationPresent(annotation)) {
        method.setAccessible(true);
        found.add(method);
      }
    }
    found.sort(Comparator.comparing(Method::getName));
    return found;
  }
}
