gen big m.safetensors 200
mote keygen -o k --no-passphrase 2>/dev/null
mote keygen -o other --no-passphrase 2>/dev/null
mote pack m.safetensors -o x.mote --chunk 1K --key k.key --name kws --sequence 7 2>/dev/null
i() { t mote index "$@" 2>&1 | mask; }
i x.mote -o x.index
i --check x.index
i --check x.index --pub k.pub
i --check x.index --pub other.pub
i x.mote -o y.index --pub k.pub
cmp x.index y.index
mote info x.mote --json >info
signature=$((16 + $(field manifest info))) pages=$((16 + $(field manifest info) + 76))
[ $(stat -c %s x.index) = $((pages + $(field pages info))) ] && echo "head and pages"

# it is no package, and a package is none
i x.index -o y
t mote verify --pub k.pub x.index
i --check x.mote
for at in 0 20 $((signature + 30)) $pages $((pages + 1000)) -1; do
    cp x.index y.index
    gen flip y.index $at
    i --check y.index --pub k.pub
done
for n in 10 $signature $pages $((pages + 1000)); do
    head -c $n x.index >y.index
    i --check y.index
done
cp x.index y.index
printf x >>y.index
i --check y.index
# damage to a chunk is not the index's
cp x.mote y.mote
gen flip y.mote -1
i y.mote -o y.index
cmp x.index y.index
# one chunk: no pages
gen model s.safetensors
mote pack s.safetensors -o s.mote --profile host 2>/dev/null
i s.mote -o s.index
i --check s.index
i x.mote -o missing/x.index
i x.mote -o /dev/full
ls
