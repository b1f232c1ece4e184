gen model m.safetensors
for k in a b c; do mote keygen -o $k --no-passphrase 2>/dev/null; done
mote pack m.safetensors -o x.mote --key a.key --name kws --sequence 7 --chunk 1K 2>/dev/null
mote pack m.safetensors -o u.mote --name kws --sequence 7 2>/dev/null
v() { t mote verify "$@" 2>&1 | mask; }
v --pub a.pub x.mote
v --pub a.pub --quick x.mote
v --pub a.pub --json x.mote
v --pub b.pub --pub a.pub x.mote

# another key, no signature, not enough keys, another role
v --pub b.pub x.mote
v --pub a.pub u.mote
v --pub a.pub --pub b.pub --threshold-keys 2 x.mote
v --pub a.pub --threshold-keys 2 x.mote
v --pub a.pub --pub a.pub x.mote
v --pub a.pub --role 2 x.mote
v --pub a.pub --pub b.pub --json u.mote

# policy
v --pub a.pub --name kws x.mote
v --pub a.pub --name vad x.mote
v --pub a.pub --sequence-above 6 x.mote
v --pub a.pub --sequence-above 7 x.mote
v --pub a.pub --sequence-above 8 x.mote

# damage
mote info x.mote --json >info
size=$(field file info) manifest=$(field manifest info)
signature=$((16 + manifest)) pages=$((16 + manifest + 76))

# flip WHERE OFFSET...
flip()
{
    echo "in the $1"
    shift
    for at in $*; do
        cp x.mote y.mote
        gen flip y.mote $at
        cmp -s x.mote y.mote && echo "nothing was damaged"
        said=$(mote verify --pub a.pub y.mote 2>&1)
        echo "$said -> $?"
    done | uniq
}
flip magic 0 3 7
flip version 8
flip suite 9
flip "reserved bytes" 14 15
flip manifest $(seq 16 5 $((signature - 1)))
flip "key id" $(seq $((signature + 4)) $((signature + 11)))
flip signature $(seq $((signature + 12)) 5 $((pages - 1)))
flip page $pages $((pages + 7)) $((pages + 8)) $((pages + 100))
flip chunk -1 -2000 -5000

for n in 0 1 15 16 17 $signature $pages $((pages + 10)) 5000 $((size - 1)); do
    head -c $n x.mote >y.mote
    said=$(mote verify --pub a.pub y.mote 2>&1)
    echo "$said -> $?"
done | uniq
cp x.mote y.mote
printf x >>y.mote
t mote verify --pub a.pub y.mote
(printf x; cat x.mote) >y.mote
t mote verify --pub a.pub y.mote
