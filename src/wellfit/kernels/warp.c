/* Pictures read at other places, each by an affine map of its own, bilinearly.
 *
 * A row of the result is done in stretches. First it is reckoned where each pixel of a stretch is read and what its four
 * neighbors count for; then they are added up. Four channels lie side by side in a copy of the picture, so that one load
 * brings all of a neighbor.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { REFLECT, EDGE, CONSTANT };
enum { STRETCH = 128, TOGETHER = 4 };

typedef float Four __attribute__((vector_size(16)));

typedef struct {
    int32_t place[STRETCH]; /* of the upper left of the four neighbors */
    float upper_left[STRETCH], upper_right[STRETCH], lower_left[STRETCH], lower_right[STRETCH];
} Reading;

typedef struct {
    float x, y, dx, dy; /* where a stretch begins in the picture that came, and how it goes on */
    int32_t height, width;
} Line;

/* The limit stands in for what is no number. */
static inline float at_most(float a, float limit) { return a < limit ? a : limit; }
static inline float at_least(float a, float limit) { return a > limit ? a : limit; }
static inline int32_t lower(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t upper(int32_t a, int32_t b) { return a > b ? a : b; }

static inline float reflected(float at, float last) {
    float period = 2.0f * last, far = at < 0.0f ? -at : at;
    far -= period * floorf(far / period);
    return far > last ? period - far : far;
}

/* The first of two neighbors on an axis of so many pixels, and what each counts for; no number reads past the ends. */
static inline __attribute__((always_inline)) int32_t neighbors(
    float at, int32_t pixels, int fill, float *first, float *second
) {
    float last = (float)(pixels - 1);
    if (fill == REFLECT) at = reflected(at, last);
    at = fill == CONSTANT ? at_most(at_least(at, -2.0f), last + 2.0f) : at_most(at_least(at, 0.0f), last);
    float below = floorf(at), part = at - below, rest = 1.0f - part;
    int32_t whole = (int32_t)below, base = lower(upper(whole, 0), pixels - 2);
    *first = (float)(whole == base) * rest + (float)(whole == base - 1) * part;
    *second = (float)(whole == base) * part + (float)(whole == base + 1) * rest;
    return base;
}

static inline __attribute__((always_inline)) void aim(Reading *restrict to, int count, Line line, int fill) {
    for (int i = 0; i < count; i++) {
        float left, right, high, low;
        int32_t column = neighbors(line.x + line.dx * (float)i, line.width, fill, &left, &right);
        int32_t row = neighbors(line.y + line.dy * (float)i, line.height, fill, &high, &low);
        to->place[i] = row * line.width + column;
        to->upper_left[i] = high * left;
        to->upper_right[i] = high * right;
        to->lower_left[i] = low * left;
        to->lower_right[i] = low * right;
    }
}

/* Up to four channels of a picture, side by side. */
static void interleave(const float *from, int64_t size, int channels, Four *to) {
    for (int64_t i = 0; i < size; i++) {
        Four pixel = {0.0f, 0.0f, 0.0f, 0.0f};
        for (int c = 0; c < channels; c++) pixel[c] = from[c * size + i];
        to[i] = pixel;
    }
}

static inline __attribute__((always_inline)) void read_pixels(
    const Reading *restrict aimed, int count, const Four *restrict from, int32_t width, int64_t size, int channels,
    const Four *black, float *restrict to
) {
    for (int i = 0; i < count; i++) {
        const Four *near = from + aimed->place[i];
        float a = aimed->upper_left[i], b = aimed->upper_right[i], c = aimed->lower_left[i], d = aimed->lower_right[i];
        Four pixel = near[0] * a + near[1] * b + near[width] * c + near[width + 1] * d;
        if (black) pixel += *black * (1.0f - a - b - c - d);
        for (int k = 0; k < channels; k++) to[k * size + i] = pixel[k];
    }
}

static void one_picture(
    const double *map, const Four *from, float *to, int channels, int32_t height, int32_t width, int fill, Four black
) {
    int64_t size = (int64_t)height * width;
    double middle_x = 0.5 * (width - 1), middle_y = 0.5 * (height - 1);
    for (int32_t row = 0; row < height; row++)
        for (int32_t start = 0; start < width; start += STRETCH) {
            Reading aimed;
            int count = width - start < STRETCH ? width - start : STRETCH;
            double across = start - middle_x, down = row - middle_y;
            Line line = {
                (float)(map[0] * across + map[1] * down + map[2] + middle_x),
                (float)(map[3] * across + map[4] * down + map[5] + middle_y),
                (float)map[0], (float)map[3], height, width,
            };
            if (fill == REFLECT) aim(&aimed, count, line, REFLECT); /* a loop for each, which the compiler can unfold */
            else if (fill == EDGE) aim(&aimed, count, line, EDGE);
            else aim(&aimed, count, line, CONSTANT);
            float *here = to + (int64_t)row * width + start;
            if (fill == CONSTANT) read_pixels(&aimed, count, from, width, size, channels, &black, here);
            else if (channels == 3) read_pixels(&aimed, count, from, width, size, 3, NULL, here);
            else read_pixels(&aimed, count, from, width, size, channels, NULL, here);
        }
}

static int leaves_as_it_is(const double *m) {
    return m[0] == 1.0 && m[1] == 0.0 && m[2] == 0.0 && m[3] == 0.0 && m[4] == 1.0 && m[5] == 0.0;
}

/* x and out: rows x channels x height x width, of two pixels at least each way. maps: rows x 6, from places of the result
 * to places of the picture that came, both counted from its center. black: a number a channel. Returns 0, or 1 where
 * there was no memory. */
int wellfit_warp(
    const float *x, float *out, const double *maps, const float *black, int64_t rows, int64_t channels, int32_t height,
    int32_t width, int fill
) {
    int64_t size = (int64_t)height * width;
    Four *copy = malloc(sizeof(Four) * (size_t)size);
    if (!copy) return 1;
    for (int64_t n = 0; n < rows; n++) {
        const float *from = x + n * channels * size;
        float *to = out + n * channels * size;
        if (leaves_as_it_is(maps + 6 * n)) {
            memcpy(to, from, sizeof(float) * (size_t)(channels * size));
            continue;
        }
        for (int64_t c = 0; c < channels; c += TOGETHER) {
            int some = channels - c < TOGETHER ? (int)(channels - c) : TOGETHER;
            Four dark = {0.0f, 0.0f, 0.0f, 0.0f};
            for (int k = 0; k < some; k++) dark[k] = black[c + k];
            interleave(from + c * size, size, some, copy);
            one_picture(maps + 6 * n, copy, to + c * size, some, height, width, fill, dark);
        }
    }
    free(copy);
    return 0;
}
