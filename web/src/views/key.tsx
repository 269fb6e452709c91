import { View } from "../parts/frame";
export function KeyView(_: any) { return <View title="key">…</View>; }
