package org.kmem4j.perf.bench;

import static j2html.TagCreator.a;
import static j2html.TagCreator.body;
import static j2html.TagCreator.code;
import static j2html.TagCreator.dd;
import static j2html.TagCreator.div;
import static j2html.TagCreator.dl;
import static j2html.TagCreator.document;
import static j2html.TagCreator.dt;
import static j2html.TagCreator.each;
import static j2html.TagCreator.figcaption;
import static j2html.TagCreator.figure;
import static j2html.TagCreator.h1;
import static j2html.TagCreator.h2;
import static j2html.TagCreator.h3;
import static j2html.TagCreator.head;
import static j2html.TagCreator.header;
import static j2html.TagCreator.html;
import static j2html.TagCreator.iff;
import static j2html.TagCreator.li;
import static j2html.TagCreator.main;
import static j2html.TagCreator.meta;
import static j2html.TagCreator.nav;
import static j2html.TagCreator.p;
import static j2html.TagCreator.rawHtml;
import static j2html.TagCreator.section;
import static j2html.TagCreator.span;
import static j2html.TagCreator.style;
import static j2html.TagCreator.table;
import static j2html.TagCreator.tbody;
import static j2html.TagCreator.td;
import static j2html.TagCreator.th;
import static j2html.TagCreator.thead;
import static j2html.TagCreator.title;
import static j2html.TagCreator.tr;
import static j2html.TagCreator.ul;

import j2html.tags.DomContent;
import j2html.tags.specialized.DlTag;
import j2html.tags.specialized.SectionTag;
import j2html.tags.specialized.TbodyTag;
import j2html.tags.specialized.TrTag;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.bench.Findings.Section;
import org.kmem4j.perf.bench.Group.Entry;
import org.kmem4j.perf.bench.Report.BarRow;

/** What a run found as one HTML file, which needs nothing beside it. */
final class Page {
  static final String FILE = "index.html";

  private static final List<String> NOT_SHOWN =
      List.of(
          "Other machines: nanoseconds are those of this one, which others may share. Ratios travel"
              + " better, but not everywhere: run it on yours.",
          "Your program: a pair flatters whoever hands out what was freed last; look at churn,"
              + " mixed sizes, traces and latency before you decide.",
          "What C programs get from malloc, jemalloc or mimalloc: they are called from Java, which"
              + " costs some nanoseconds on every call.",
          "Garbage beyond the measured loop: B/op counts what an operation leaves on the Java heap,"
              + " not what a collection of it costs later; the latency plots show that.",
          "Days: no run here lasts long enough for slow fragmentation or slow leaks.",
          "Differences within the error bars: they are no differences.");

  private final Findings findings;
  private final Report report;
  private final Palette palette;

  private Page(Findings findings) {
    this.findings = findings;
    this.report = findings.report();
    this.palette = new Palette(findings);
  }

  /** Makes the folder, so that a run of hours does not end without its page. */
  static void check(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw notWritable(folder, e);
    }
    if (!Files.isWritable(folder)) {
      throw new KmemException("--html %s: this user may not write there.".formatted(folder));
    }
  }

  /** Writes the page into the folder and returns the file. */
  static Path write(Findings findings, Path folder) {
    Path file = folder.resolve(FILE);
    try {
      Files.writeString(file, of(findings));
    } catch (IOException e) {
      throw notWritable(folder, e);
    }
    return file;
  }

  private static KmemException notWritable(Path folder, IOException e) {
    return new KmemException(
        "--html %s: no page can be written there (%s); accepted is a folder, or the name of a new one."
            .formatted(folder, e),
        e);
  }

  static String of(Findings findings) {
    return new Page(findings).text();
  }

  private String text() {
    List<SectionTag> sections = new ArrayList<>();
    List<DomContent> contents = new ArrayList<>();
    if (!report.bars().isEmpty()) {
      contents.add(entry("bars", "What was to be reached"));
      sections.add(bars());
    }
    for (Section asked : findings.sections()) {
      String name = asked.question().name();
      contents.add(entry(id(name), name));
      sections.add(question(asked));
    }
    contents.add(entry("better", "Where others are better"));
    sections.add(losses());
    contents.add(entry("how", "How it was measured"));
    sections.add(how());
    contents.add(entry("not-shown", "What the numbers do not show"));
    sections.add(
        section(h2("What the numbers do not show"), ul(each(NOT_SHOWN, sentence -> li(sentence))))
            .withId("not-shown"));
    return document(
        html(
                head(
                    meta().withCharset("utf-8"),
                    meta().withName("viewport").withContent("width=device-width, initial-scale=1"),
                    meta().withName("color-scheme").withContent("light dark"),
                    title("Kmem4j: what was measured"),
                    style(rawHtml(css()))),
                body(
                    nav(ul(each(contents, item -> item))),
                    main(header(h1("Kmem4j, measured"), p(subtitle())), each(sections, it -> it))))
            .withLang("en"));
  }

  private static String id(String question) {
    return "q-" + question.replaceAll("[^A-Za-z0-9]", "-");
  }

  private static DomContent entry(String id, String text) {
    return li(a(text).withHref("#" + id));
  }

  private String subtitle() {
    List<String> parts = new ArrayList<>();
    if (report.started() != null) {
      parts.add(report.started().replaceFirst("T.*", ""));
    }
    if (report.machine() != null) {
      parts.add(Facts.machine(report.machine()));
    }
    if (report.jvm() != null) {
      parts.add(Facts.jvm(report.jvm()));
    }
    return String.join(" · ", parts);
  }

  private SectionTag bars() {
    return section(
            h2("What was to be reached"),
            p(Facts.verdicts(report)),
            div(table(
                    thead(row("what", "#median", "#interval", "#bar", "#aim", "")),
                    tbody(each(report.bars(), Page::bar))))
                .withClass("scroll"))
        .withId("bars");
  }

  private static TrTag bar(BarRow bar) {
    return tr(
        td(bar.bar()),
        number(Numbers.decimals(bar.ratio())),
        number(Numbers.range(bar)),
        number(Numbers.limit(bar)),
        number(Numbers.aim(bar)),
        td(span(bar.verdict()).withClass("verdict " + bar.verdict())));
  }

  private SectionTag question(Section asked) {
    String name = asked.question().name();
    List<DomContent> parts = new ArrayList<>();
    for (Group group : asked.groups()) {
      if (!group.measure().isEmpty()) {
        parts.add(h3(group.measure()));
      }
      if (group.entries().size() > 1) {
        String id = "%s-%d".formatted(id(name), parts.size());
        parts.add(draw(Plot.bars(group, palette, id)));
      }
      parts.add(scores(group));
    }
    parts.add(draw(Plot.lines(asked.curves(), palette, id(name) + "-lines")));
    return section(h2(name), p(asked.question().title()).withClass("asked"), each(parts, it -> it))
        .withId(id(name));
  }

  private DomContent draw(List<Plot> plots) {
    return div(each(plots, this::draw)).withClass("plots");
  }

  /** What {@code look-at-page.sh} counts stands beside each colour: how many points it has. */
  private DomContent draw(Plot plot) {
    return figure(
            iff(!plot.title().isEmpty(), p(plot.title()).withClass("title")),
            rawHtml(plot.svg()),
            figcaption(
                each(
                    plot.legend(),
                    series ->
                        span(
                                span()
                                    .withClass("swatch")
                                    .withStyle("background:" + series.colour()),
                                span(series.contender()))
                            .withClass("series")
                            .withData("points", Integer.toString(series.points())))))
        .withClass(plot.isWide() ? "plot wide" : "plot");
  }

  /**
   * A column for each parameter, and for ratios where there is something to divide by; a line is
   * drawn where the parameters change.
   */
  private static DomContent scores(Group group) {
    Set<String> params = new TreeSet<>();
    group.entries().forEach(entry -> params.addAll(entry.row().params().keySet()));
    boolean hasGarbage =
        group.entries().stream().anyMatch(entry -> entry.row().bytesPerOp() != null);
    List<String> columns = new ArrayList<>(List.of("contender"));
    params.forEach(name -> columns.add("#" + name));
    columns.addAll(List.of("#" + group.unit(), "#±", "#min..max"));
    if (group.hasHeap()) {
      columns.add("#÷ heap");
    }
    if (group.hasPeer()) {
      columns.addAll(List.of("#÷ best peer", "which"));
    }
    if (hasGarbage) {
      columns.add("#B/op");
    }
    TbodyTag lines = tbody();
    Map<String, Object> above = null;
    for (Entry entry : group.entries()) {
      TrTag line = line(entry, params, group, hasGarbage);
      boolean isNext = above != null && !above.equals(entry.row().params());
      lines.with(isNext ? line.attr("data-next") : line);
      above = entry.row().params();
    }
    return div(table(thead(row(columns.toArray(String[]::new))), lines)).withClass("scroll");
  }

  private static TrTag line(Entry entry, Set<String> params, Group group, boolean hasGarbage) {
    Report.Row row = entry.row();
    TrTag line = tr(td(row.who())).withClass(row.side() == Side.OURS ? "ours" : null);
    params.forEach(name -> line.with(number(String.valueOf(row.params().getOrDefault(name, "")))));
    line.with(
        number(Numbers.decimals(row.score())),
        number(Numbers.decimals(row.error())),
        number(Numbers.range(row)));
    if (group.hasHeap()) {
      line.with(number(Numbers.ratio(entry.toHeap())));
    }
    if (group.hasPeer()) {
      line.with(
          number(Numbers.ratio(entry.toBestPeer())),
          td(entry.toBestPeer().map(Group.Ratio::against).orElse("")));
    }
    if (hasGarbage) {
      line.with(number(Numbers.garbage(row.bytesPerOp())));
    }
    return line;
  }

  private SectionTag losses() {
    List<Findings.Loss> losses = findings.losses();
    String sentence =
        losses.isEmpty()
            ? "In no row of ours does the whole interval say so."
            : "The whole interval of the ratio says so:";
    return section(
            h2("Where others are better"),
            p(sentence),
            iff(
                !losses.isEmpty(),
                div(table(
                        thead(row("question", "with", "ours", "better", "#ours ÷ better")),
                        tbody(
                            each(
                                losses,
                                loss ->
                                    tr(
                                        td(loss.row().question()),
                                        td(loss.row().where()),
                                        td(loss.row().contender()),
                                        td(loss.ratio().against()),
                                        number(Numbers.ratioOf(loss.ratio().number())))))))
                    .withClass("scroll")))
        .withId("better");
  }

  private SectionTag how() {
    DlTag facts = dl();
    Facts.of(report)
        .forEach(
            (name, value) -> facts.with(dt(name), dd(isCode(name) ? code(value) : span(value))));
    return section(
            h2("How it was measured"),
            facts,
            p(Facts.method(report)),
            iff(
                !report.leftOut().isEmpty(),
                div(p("Left out:"), ul(each(report.leftOut(), sentence -> li(sentence))))))
        .withId("how");
  }

  private static boolean isCode(String name) {
    return name.equals(Facts.COMMAND) || name.equals(Facts.FLAGS) || name.equals(Facts.INHERITED);
  }

  private static DomContent number(String text) {
    return td(text).withClass("number");
  }

  /** Headers of numbers, which begin with a {@code #}, stand to the right. */
  private static TrTag row(String... headers) {
    return tr(
        each(
            List.of(headers),
            header ->
                header.startsWith("#") ? th(header.substring(1)).withClass("number") : th(header)));
  }

  private static String css() {
    try (InputStream css = Page.class.getResourceAsStream("page.css")) {
      return new String(css.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
