"""Running contenders in turn, and what they took."""
import json, os, platform, shutil, statistics, subprocess, sys, time


def run(command, **options):
    """Runs a command; wall seconds, CPU seconds, peak MiB, output."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    if status != 0:
        sys.exit(f"bench: {' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}\n{out.decode()}{err.decode()}")
    return {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024,
        "out": out.decode(),
    }


def json_line(text):
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])


def size_of(root):
    """Bytes and number of the files of a directory."""
    sizes = [os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(root) for name in names]
    return sum(sizes), len(sizes)


def fresh(path):
    """A directory that never was: deleting a copy right before the next one is made slows that one down."""
    n = 0
    while os.path.exists(f"{path}.{n}"):
        n += 1
    return f"{path}.{n}"


def warm(root):
    """All contenders find the source in the page cache, if it fits."""
    for at, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(at, name), "rb") as file:
                while file.read(1 << 22):
                    pass


def rounds_of(options, what, contenders, prepare):
    """Every contender once in each round; what each took, by its name."""
    taken = {name: [] for name in contenders}
    for number in range(options.rounds):
        # Each round begins with another one, so that nobody always follows the same neighbour.
        names = list(contenders)
        names = names[number % len(names):] + names[: number % len(names)]
        for name in names:
            prepare()
            subprocess.run(["sync"], check=True)
            to = fresh(os.path.join(options.work, "out"))
            options.made.append(to)
            result = contenders[name](to)
            taken[name].append(result)
            print(f"{what:>6} round {number + 1} {name:<34} {result['seconds']:8.2f} s", file=sys.stderr)
    return taken


def summary(results):
    """Medians of wall and CPU seconds, and the largest peak."""
    seconds = [result["seconds"] for result in results]
    peaks = [result["peak_mib"] for result in results if result["peak_mib"]]
    line = {
        "median_seconds": round(statistics.median(seconds), 3),
        "min_seconds": round(min(seconds), 3),
        "max_seconds": round(max(seconds), 3),
        "median_cpu_seconds": round(statistics.median(result["cpu_seconds"] for result in results), 3),
        "peak_mib": round(max(peaks), 1) if peaks else None,
    }
    starts = [result["jvm_start_seconds"] for result in results if "jvm_start_seconds" in result]
    if starts:
        line["jvm_start_seconds"] = round(statistics.median(starts), 3)
    for sure in ("cells", "written"):
        if results[0].get(sure):
            line[sure] = results[0][sure]
    return line


def interleaved(options, shape, size, files, contenders, prepare):
    """A line for each contender: what it took, also for a GiB of `size`."""
    gib = size / (1 << 30)
    lines = []
    for name, results in rounds_of(options, shape, contenders, prepare).items():
        line = {"shape": shape, "files": files, "gib": round(gib, 3), "contender": name, **summary(results)}
        line["gib_per_second"] = round(gib / line["median_seconds"], 3)
        line["cpu_seconds_per_gib"] = round(line["median_cpu_seconds"] / gib, 3)
        lines.append(line)
    return lines


def machine():
    """What the figures were taken on."""
    model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    memory = int(open("/proc/meminfo").readline().split()[1]) // 1024
    return {
        "cpu": model[0] if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_mib": memory,
        "kernel": platform.release(),
        "load_average_before": [round(load, 2) for load in os.getloadavg()],
    }


def load_after():
    return {"load_average_after": [round(load, 2) for load in os.getloadavg()]}


def has_java():
    return all(shutil.which(tool) for tool in ("java", "javac", "mvn"))
