"""The results as Markdown."""

GOALS = {"gru": 1.5, "lstm": 1.5, "cnn": 1.5, "transformer": 1.2}
LATENCY_GOAL = 4
BUSY = 0.5


def markdown(results):
    networks = results["networks"]
    parts = [training(networks), latency(networks), boosting(results["boosting"]), footer(results)]
    return "\n".join(part for part in parts if part)


def training(rows):
    header = ["network", "threads", "parameters", "ours, ms a step", "PyTorch, ms a step", "times faster", "goal"]
    return table(header, [[row["family"], row["threads"], f'{row["parameters"]:,}', *timing(row["step_ms"], ".1f"),
                           goal(row["step_ms"], GOALS[row["family"]])] for row in rows])


def latency(rows):
    header = ["network", "ours, µs a window", "PyTorch, µs a window", "times faster", "goal"]
    return table(header, [[row["family"], *timing(row["latency_us"], ".0f"), goal(row["latency_us"], LATENCY_GOAL)]
                          for row in rows if "latency_us" in row])


def boosting(rows):
    header = ["gradient boosting on", "rows", "threads", "our RMSE", "LightGBM's RMSE", "difference",
              "ours, s a fit", "LightGBM, s a fit", "times faster"]
    return table(header, [[row["table"], f'{row["rows"]:,} × {row["columns"]}', row["threads"],
                           f'{row["rmse"]["ours"]:.3f}', f'{row["rmse"]["peer"]:.3f}', difference(row["rmse"]),
                           *timing(row["fit_s"], ".2f")] for row in rows])


def timing(both, digits):
    ratio = f'{both["ratio"]:.2f} ({both["ratio_min"]:.2f}–{both["ratio_max"]:.2f})'
    return [format(both["ours"], digits), format(both["peer"], digits), ratio]


def goal(both, least):
    return f'≥ {least}, {"reached" if both["ratio"] >= least else "missed"}'


def difference(rmse):
    error = "" if rmse["error"] is None else f' ± {rmse["error"]:.3f}'
    return f'{rmse["difference"]:+.3f}{error}'


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines) if rows else ""


def footer(results):
    on, load = results["machine"], results["load_average"]
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    lines = [f'{results["date"]}, {on["cpu"]}, {on["cores"]} cores, {on["memory_gib"]} GiB, {on["system"]}.',
             f"{versions}.",
             "Medians over rounds taken in turn; in brackets the least and the most of any round.",
             *agreement(results["networks"]),
             f'Load average {load["before"]:.1f} before, {load["after"]:.1f} after.', *busy(load["before"])]
    return "\n".join(lines) + "\n"


def agreement(rows):
    if rows:
        apart = max(row["losses_apart"] for row in rows)
        yield f"From the same weights on the same batch, the losses of the two sides are at most {apart:.0e} apart."


def busy(load):
    if load > BUSY:
        yield "The machine was busy: the times are too long, and the ratios uncertain."
