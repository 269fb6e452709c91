import { View } from "../parts/frame";
export function ServiceView(_: any) { return <View title="service">…</View>; }
