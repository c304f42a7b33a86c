#!/bin/sh
# train FOLDER: fits a line to noisy points by least squares, and writes it to FOLDER/line.txt.
# test LINE WAY: how far the line in the file LINE is from the true one between 0 and 1.
set -eu

case "$1" in
train)
    awk -v seed="$REGIMEN_SEED" -v points="$REGIMEN_POINTS" -v line="$2/line.txt" '
    BEGIN {
        srand(seed + 1)
        for (i = 0; i < points; i++) {
            x = i / points
            y = 1 + 2 * x + 0.2 * (rand() - 0.5)
            sx += x; sy += y; sxx += x * x; sxy += x * y
        }
        slope = (points * sxy - sx * sy) / (points * sxx - sx * sx)
        printf "%.9f %.9f\n", slope, (sy - slope * sx) / points > line
        printf "{\"final\": {\"slope\": %.9f}}\n", slope
    }' >&3
    ;;
test)
    awk -v way="$3" '
    {
        for (i = 0; i <= 100; i++) {
            d = ($1 - 2) * i / 100 + $2 - 1
            if (d < 0) d = -d
            sum += d; squares += d * d
            if (d > max) max = d
        }
        found["mean"] = sum / 101; found["rms"] = sqrt(squares / 101); found["max"] = max
        printf "{\"final\": {\"distance\": %.9f}}\n", found[way]
    }' "$2" >&3
    ;;
esac
