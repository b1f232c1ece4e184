# A package of a given size, or of a given error.
gen big b.safetensors 64
gen model m.safetensors
for size in 4K 10000 20K 30000 60000 100K; do
    mote pack b.safetensors -o x.mote --size $size 2>/dev/null
    bytes=$(wc -c <x.mote)
    case $size in *K) asked=$((${size%K} * 1024)) ;; *) asked=$size ;; esac
    [ $bytes -le $asked ] && [ $((bytes * 1000)) -ge $((asked * 995)) ] && echo "$size: kept" || echo "$size: $bytes"
    mote unpack x.mote -o y.safetensors 2>/dev/null && gen snr b.safetensors y.safetensors >$size.snr
done
paste -sd' ' 4K.snr 10000.snr 20K.snr 30000.snr 60000.snr 100K.snr | awk '{ for (i = 2; i <= NF; i++) if ($i <= $(i - 1)) print "no better", $0 }'
for error in 0.1 0.03 0.001 1e-5; do
    mote pack b.safetensors -o x.mote --max-error $error --json >report && mote unpack x.mote -o y.safetensors 2>/dev/null
    gen snr b.safetensors y.safetensors | awk -v e=$error '{ s = -10 * log(e) / log(10); print e, ($1 >= s - 0.005 && $1 < s + 0.06) ? "kept" : $1 }'
done
mote pack m.safetensors -o x.mote --size 100M 2>/dev/null && mote unpack x.mote -o n.safetensors 2>/dev/null && mote pack m.safetensors -o l.mote 2>/dev/null && cmp x.mote l.mote && echo "room enough: exact"
for threads in 1 3; do mote pack m.safetensors -o $threads.mote --size 9000 --threads $threads 2>/dev/null; done
cmp 1.mote 3.mote && echo the same with any threads
t mote pack b.safetensors -o z.mote --size 100 2>&1 | sed 's/[0-9]* bytes/N bytes/'
t mote pack b.safetensors -o z.mote --size 0
t mote pack b.safetensors -o z.mote --size 10K --max-error 0.1
t mote pack b.safetensors -o z.mote --size 10K --bits 4
t mote pack b.safetensors -o z.mote --size 10K --prune 0.5
t mote pack b.safetensors -o z.mote --size 10K --rank 2
t mote pack b.safetensors -o z.mote --max-error 0
t mote pack b.safetensors -o z.mote --max-error 1
t mote pack b.safetensors -o z.mote --trellis 8
gen nan n.safetensors
t mote pack n.safetensors -o z.mote --size 10K
ls *.mote
