/* SPDX-License-Identifier: Apache-2.0
 * Runs a fuzz target over stored inputs without libFuzzer, so that any compiler and every test run replays them: each
 * file of each folder, and its prefixes, as a truncation is the commonest damage of all. An input lies in a heap block
 * of exactly its size, where a sanitizer sees the first byte read beyond it.
 *
 * Prefixes of every length up to PREFIX_ALL bytes, of PREFIX_SAMPLES lengths evenly spread over the rest, and of each
 * of the last PREFIX_TAIL lengths: large files would else take quadratic time. -p N sets PREFIX_ALL for slow targets. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PREFIX_ALL = 1024, PREFIX_SAMPLES = 64, PREFIX_TAIL = 16 };

typedef struct totals {
    size_t files, inputs, unreadable;
} totals;

static void *must(void *memory)
{
    if (memory) return memory;
    fprintf(stderr, "no memory\n");
    exit(3);
}

static void run(const uint8_t *data, size_t size, totals *t)
{
    uint8_t *copy = must(malloc(size ? size : 1));

    if (size) memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    t->inputs++;
}

static uint8_t *read_file(const char *path, size_t *size)
{
    struct stat sb;
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;

    if (!f) return NULL;
    if (fstat(fileno(f), &sb) == 0 && S_ISREG(sb.st_mode) && sb.st_size >= 0) {
        *size = (size_t)sb.st_size;
        data = malloc(*size + 1);
        if (data && fread(data, 1, *size + 1, f) != *size) {
            free(data);
            data = NULL;
        }
    }
    fclose(f);
    return data;
}

static void run_file(const char *path, size_t all, totals *t)
{
    size_t size = 0;
    uint8_t *data = read_file(path, &size);

    if (!data) {
        perror(path);
        t->unreadable++;
        return;
    }
    fprintf(stderr, "%s\n", path); /* should it crash, the last line names the input */
    if (all > size) all = size;
    for (size_t n = 0; n < all; n++) run(data, n, t);
    /* The sampled lengths: each step's remainder is carried by the multiplication, sizes are far below 2^58. */
    for (size_t k = 0; size > all && k < PREFIX_SAMPLES; k++) run(data, all + (size - all) * k / PREFIX_SAMPLES, t);
    for (size_t k = PREFIX_TAIL; k > 0; k--)
        if (size > all && k <= size - all) run(data, size - k, t);
    run(data, size, t);
    free(data);
    t->files++;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, so that a run is the same on every file system. Names that begin with a dot are not inputs. */
static void run_folder(const char *folder, size_t all, totals *t)
{
    char **names = NULL;
    size_t n = 0, room = 0;
    DIR *dir = opendir(folder);

    if (!dir) {
        perror(folder);
        t->unreadable++;
        return;
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        size_t bytes = strlen(folder) + strlen(e->d_name) + 2;
        if (e->d_name[0] == '.') continue;
        if (n == room) {
            room = room ? 2 * room : 64;
            names = must(realloc(names, room * sizeof *names));
        }
        names[n] = must(malloc(bytes));
        snprintf(names[n++], bytes, "%s/%s", folder, e->d_name);
    }
    closedir(dir);
    if (n) qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        run_file(names[i], all, t);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    totals t = { 0 };
    size_t all = PREFIX_ALL;
    int arg = 1;

    if (argc > 2 && strcmp(argv[1], "-p") == 0) {
        all = (size_t)strtoul(argv[2], NULL, 10);
        arg = 3;
    }
    for (; arg < argc; arg++) run_folder(argv[arg], all, &t);
    printf("%zu files, %zu inputs with their prefixes, %zu unreadable\n", t.files, t.inputs, t.unreadable);
    return t.files == 0 || t.unreadable != 0;
}
