gen model m.safetensors
printf 'no path' >b.bin
: >empty.bin
mote keygen -o k --no-passphrase 2>/dev/null
mote keygen -o other --no-passphrase 2>/dev/null
mote pack m.safetensors -o x.mote --chunk 1K --key k.key --name kws --sequence 7 --blob ../../etc/passwd=b.bin \
    --blob /abs=b.bin --blob .hidden=b.bin --blob "an empty one=empty.bin" --blob plain-1.2_x.txt=b.bin 2>/dev/null
u() { t mote unpack "$@" 2>&1 | mask; }
u x.mote -o y.safetensors
cmp m.safetensors y.safetensors
u x.mote -o y.safetensors --pub k.pub
u x.mote -o z.safetensors --pub other.pub

# some tensors only: what they are does not depend on the order
u x.mote -o one.npz --tensor ids --tensor fc.weight --tensor empty --pub k.pub
u x.mote -o two.npz --tensor empty --tensor fc.weight --tensor ids
cmp one.npz two.npz
u x.mote -o three.npz --tensor ids --tensor nothing
u x.mote -o three.npz --tensor ids --tensor ids
u x.mote -o three.npz --tensor plain-1.2_x.txt
u x.mote -o some/ --tensor ids --tensor scale
ls some

# blobs: names are data
u x.mote -o y.npz --blobs blobs --pub k.pub
ls -A blobs
cmp b.bin blobs/plain-1.2_x.txt
cat 'blobs/safetensors.metadata%.txt'
echo
mote pack m.safetensors -o l.mote --blob $(printf '%0255d' 0)=b.bin --blob $(printf '%0254d' 0)=b.bin --blob $(printf '%0200d' 0)=b.bin 2>/dev/null
u l.mote -o y.npz --blobs long
ls long
u x.mote -o y.npz --blobs b.bin
u x.mote -o y.npz --blobs missing/blobs

# damage: nothing appears
for at in 30 3000 -1 -6000; do
    cp x.mote d.mote
    gen flip d.mote $at
    u d.mote -o d.safetensors
    u d.mote -o d/
    u d.mote -o d.npz --pub k.pub
done
# but what is whole can be had
cp x.mote d.mote
gen flip d.mote -1
u d.mote -o d.npz --tensor conv.weight
u x.mote -o e.npz --tensor ids --max-memory 100
u x.mote -o e.npz --max-output 1K
(cat x.mote; printf x) >d.mote
u d.mote -o e.npz
head -c 9000 x.mote >d.mote
u d.mote -o e.npz
u d.mote -o e.npz --tensor conv.weight
u x.mote -o missing/y.npz
u x.mote -o b.bin/y.npz

# blobs only
printf '\002\0\0\0\0\0\0\0{}' >none.safetensors
t mote pack none.safetensors -o n.mote
mote pack none.safetensors -o n.mote --blob a=b.bin 2>/dev/null
u n.mote -o y.safetensors --blobs blobs
tail -c +9 y.safetensors; echo
cmp b.bin blobs/a
ls
gen lie l.mote
t mote unpack l.mote -o l.safetensors
t mote unpack l.mote -o l.npz --tensor t
mote pack m.safetensors -o d.mote --tensor-digests --bits 4 2>/dev/null && mote unpack d.mote -o d.safetensors 2>/dev/null && echo digests hold
